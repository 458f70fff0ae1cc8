import codecs
import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from proving_ground.config import Config, leaf_fields, load_config
from proving_ground.errors import CannotRunError


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text('{"fireworks": {"concurrency": 2}, "grpo": {"learning_rate": 0.001}}')
    return path


def test_command_line_beats_environment_beats_file_beats_default(config_file: Path) -> None:
    key, name = "fireworks.concurrency", "PROVING_GROUND_FIREWORKS__CONCURRENCY"
    environ = {name: "3"}
    assert Config().fireworks.concurrency == 4
    assert load_config(config_file).fireworks.concurrency == 2
    assert load_config(config_file, {}, environ).fireworks.concurrency == 3
    assert load_config(config_file, {key: "5"}, environ).fireworks.concurrency == 5


def test_a_byte_order_mark_is_no_part_of_a_file(config_file: Path) -> None:
    config_file.write_bytes(codecs.BOM_UTF8 + config_file.read_bytes())
    assert load_config(config_file).fireworks.concurrency == 2


def test_values_are_read_as_their_field_wants(config_file: Path) -> None:
    config = load_config(
        config_file,
        {"model.name": "123", "data.dir": "/tmp/x", "fireworks.temperature": "1", "grpo.max_steps": "7"},
    )
    assert config.model.name == "123"
    assert config.data.dir == Path("/tmp/x")
    assert config.fireworks.temperature == 1.0
    assert config.grpo == {"learning_rate": 0.001, "max_steps": 7}


def test_trl_fields_keep_text_that_is_no_json(config_file: Path) -> None:
    assert (
        load_config(config_file, {"grpo.lr_scheduler_type": "cosine"}).grpo["lr_scheduler_type"] == "cosine"
    )


@pytest.mark.parametrize(
    ("overrides", "environ", "words"),
    [
        ({"fireworks.concurency": "3"}, {}, ["--fireworks.concurency", "did you mean fireworks.concurrency"]),
        ({"fireworks.concurrency": "many"}, {}, ["--fireworks.concurrency", "'many'", "int"]),
        ({"fireworks.concurrency": "0"}, {}, ["--fireworks.concurrency", "greater than or equal to 1"]),
        ({"nowhere.at.all": "1"}, {}, ["--nowhere.at.all", "unknown setting"]),
        (
            {},
            {"PROVING_GROUND_FIREWORKS__MODLE": "x"},
            ["PROVING_GROUND_FIREWORKS__MODLE", "unknown setting"],
        ),
        ({"fireworks.base_url": "ftp://x"}, {}, ["--fireworks.base_url", "pattern"]),
    ],
)
def test_bad_options_name_themselves(
    config_file: Path, overrides: dict[str, str], environ: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(CannotRunError) as caught:
        load_config(config_file, overrides, environ)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"fireworks": {"concurrency": "4"}}', ["fireworks.concurrency"]),
        ('{"fireworks": {"concurrency": 4.5}}', ["fireworks.concurrency"]),
        ('{"fireworks": {"temprature": 1}}', ["fireworks.temprature", "did you mean fireworks.temperature"]),
        ('{"data": {"coverage_tolerance": 1.5}}', ["data.coverage_tolerance"]),
        ('{"grpo": [1]}', ["grpo"]),
        ("[]", ["config.json"]),
        ("{", ["config.json", "not valid JSON"]),
    ],
)
def test_a_bad_file_names_file_and_key(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(CannotRunError) as caught:
        load_config(path)
    for word in [str(path), *words]:
        assert word in str(caught.value)


def sections(model: type[BaseModel] = Config, prefix: str = "") -> list[str]:
    """Dotted names of all sections, nested ones too; TRL's own takes any key."""
    found = [prefix] if prefix else []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += sections(field.annotation, f"{prefix}{name}.")
    return found


@pytest.mark.parametrize("section", ["", *sections()])
def test_an_unknown_key_of_any_section_is_an_error(config_file: Path, section: str) -> None:
    tree: dict[str, object] = {"nothing_like_it": 1}
    for name in reversed(section.split(".")[:-1]):
        tree = {name: tree}
    given = config_file.with_name("other.json")
    given.write_text(json.dumps(tree))
    key = f"{section}nothing_like_it"
    variable = f"PROVING_GROUND_{key.replace('.', '__').upper()}"
    for path, overrides, environ, origin in (
        (given, {}, {}, f"{given}: {key}"),
        (config_file, {key: "1"}, {}, f"--{key}"),
        (config_file, {}, {variable: "1"}, variable),
    ):
        with pytest.raises(CannotRunError) as caught:
            load_config(path, overrides, environ)
        assert str(caught.value).startswith(f"{origin}: unknown setting")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match=r"nothing\.json: cannot read it"):
        load_config(tmp_path / "nothing.json")


def test_every_setting_explains_itself() -> None:
    for key, _, description in leaf_fields():
        assert description, key


def test_every_example_configuration_loads() -> None:
    root = Path(__file__).parents[2]
    paths = sorted(root.glob("examples/*/config*.json"))
    # A glob that finds nothing would pass; each example folder has at least its config.json.
    folders = [path for path in (root / "examples").iterdir() if path.is_dir() and any(path.glob("*.py"))]
    assert len({path.parent for path in paths}) == len(folders) > 0
    for path in paths:
        assert load_config(path).command, f"{path}: say in `command` what runs it"
        json.loads(path.read_text())
