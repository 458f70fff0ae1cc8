"""Typed configuration: ``config.json``, the environment and the command line, in rising precedence.

Every setting has a dotted key (``fireworks.concurrency``). It is given on the command line as
``--fireworks.concurrency 8``, in the environment as ``PROVING_GROUND_FIREWORKS__CONCURRENCY=8``, and in
``config.json`` as ``{"fireworks": {"concurrency": 8}}``; ``null`` stands for "not set". Unknown keys, wrong
types and values out of range are errors that name the file, variable or option. The ``grpo`` section takes
any field of TRL's ``GRPOConfig`` under TRL's own name.
"""

import ast
import functools
import importlib.util
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from proving_ground.errors import CannotRunError, did_you_mean
from proving_ground.sandbox_settings import SandboxSettings

ENVIRONMENT_PREFIX = "PROVING_GROUND_"

GRPO_CONFIG = ("trl/trainer/grpo_config.py", "trl/trainer/base_config.py", "transformers/training_args.py")
"""Where the class and its bases stand."""

PLAIN = {"bool", "float", "int", "str", "dict", "list", "Any", "Literal", "None", "True", "False"}
"""Names in an annotation that need no import; of other types only TRL knows what fits."""

PRETRAINED: Mapping[str, Any] = {
    "learning_rate": 1e-6,
    "lr_scheduler_type": "constant_with_warmup",
    "warmup_steps": 10,
    "per_device_train_batch_size": 8,
    "gradient_accumulation_steps": 8,
    "max_completion_length": 512,
    "temperature": 1.0,
}
"""Defaults for a policy that was pretrained: what published runs of half a billion weights and more use."""

PositiveInt = Annotated[int, Field(ge=1)]
PositiveFloat = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """Base of every section: no unknown keys, no changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataConfig(Section):
    """Step 0: where rows come from and how many are kept."""

    source: str = Field("builtin", description="builtin, hub, or a local file or folder in the raw schema")
    limit: PositiveInt = Field(100, description="rows of dataset.jsonl")
    held_out: int = Field(
        100, ge=0, description="rows of held_out.jsonl, which share no prompt with dataset.jsonl"
    )
    warm_start: int = Field(
        0, ge=0, description="rows of warm_start.jsonl, which only the embedded policy's warm start reads"
    )
    seed: int = Field(0, description="seed of the generator and of the selection")
    coverage_tolerance: Fraction = Field(
        0.0, description="share of the requested rows that coverage may fall short by"
    )
    licence: str | None = Field(None, description="licence of rows of your own, for manifest and card")
    decontaminate: Path | None = Field(
        None, description="JSON lines of held-out questions; rows that share eight words with one are dropped"
    )
    dir: Path | None = Field(None, description="folder of the prepared data; each configuration has one")


class PromptConfig(Section):
    """What stands before the question, for hosted and trained models alike."""

    system: str | None = Field(None, description="system prompt")
    few_shot: int | list[dict[str, str]] = Field(
        0,
        description="worked examples before each question of a trained model: how many to take from the first"
        " training rows (which are then not trained on), or the messages themselves",
    )


class FireworksConfig(Section):
    """Steps 2 and 3: the Fireworks APIs."""

    base_url: str = Field("https://api.fireworks.ai", pattern=r"^https?://", description="address of the API")
    inference_url: str | None = Field(
        None,
        pattern=r"^https?://",
        description="address of the chat API; base_url + /inference/v1 by default",
    )
    model: str = Field("accounts/fireworks/models/qwen3-8b", description="hosted model that regenerates")
    temperature: float = Field(0.0, ge=0, le=2, description="sampling temperature")
    max_tokens: PositiveInt = Field(2048, description="longest answer, in tokens")
    reasoning_effort: Literal["none", "low", "medium", "high"] = Field(
        "none", description="reasoning of models that have it"
    )
    concurrency: PositiveInt = Field(4, description="requests in flight at once")
    deadline_seconds: PositiveFloat = Field(120.0, description="longest time for one row, retries included")
    max_attempts: PositiveInt = Field(6, description="tries of one request")
    max_requests: PositiveInt | None = Field(
        None, description="most requests one run may send, retries included; no limit by default"
    )
    preview_samples: PositiveInt = Field(100, description="rows sent to the evaluator preview")


class EmbeddedConfig(Section):
    """The embedded policy and its warm start: everything that shapes it, besides the data."""

    hidden_size: PositiveInt = Field(128, description="width of the model")
    layers: PositiveInt = Field(2, description="transformer layers")
    heads: PositiveInt = Field(8, description="attention heads; narrow ones copy operands sooner")
    vocabulary: int = Field(1024, ge=300, description="most tokens of the tokenizer learnt from the data")
    rewarded_share: Fraction = Field(0.2, description="share of warm-start answers in the rewarded form")
    warm_start_steps: PositiveInt = Field(400, description="optimizer steps of the supervised warm start")
    warm_start_batch_size: PositiveInt = Field(32, description="answers per step of the warm start")
    warm_start_learning_rate: PositiveFloat = Field(2e-3, description="peak learning rate of the warm start")
    grpo: dict[str, Any] = Field(
        default_factory=dict, description="fields of GRPOConfig for this policy alone; grpo overrides them"
    )


class LoraConfig(Section):
    """Train low-rank adapters instead of all weights."""

    rank: int = Field(0, ge=0, description="rank of the adapters; 0 trains all weights")
    alpha: PositiveInt = Field(32, description="scale of the adapters")
    dropout: Fraction = Field(0.0, description="dropout of the adapters")
    target_modules: str = Field("all-linear", description="modules to adapt, as peft names them")


class SupervisedStartConfig(Section):
    """A short supervised start of a pretrained model: it sees what a rewarded answer looks like.

    Long ones take all entropy, and GRPO then finds no differences between completions to learn from.
    """

    steps: int = Field(0, ge=0, description="optimizer steps on reference answers before GRPO; 0 for none")
    answers_per_step: PositiveInt = Field(16, description="reference answers in each of them")
    learning_rate: PositiveFloat = Field(2e-5, description="learning rate of these steps")


class ModelConfig(Section):
    """Step 4: the policy."""

    name: str = Field(
        "embedded",
        description="embedded, a folder, a hub name, a GGUF file, or DISTRIBUTION:FILE.gguf of a package",
    )
    revision: str | None = Field(
        None, description="commit, tag or branch of a hub name; a commit pins it, none takes the newest"
    )
    dtype: Literal["float32", "bfloat16", "float16"] = Field("float32", description="weights' type")
    lora: LoraConfig = Field(default_factory=LoraConfig)
    embedded: EmbeddedConfig = Field(default_factory=EmbeddedConfig)
    supervised_start: SupervisedStartConfig = Field(default_factory=SupervisedStartConfig)


class HealthConfig(Section):
    """Step 4: when training counts as gone wrong."""

    on_failure: Literal["stop", "warn"] = Field("stop", description="stop with exit code 1, or only warn")
    patience: PositiveInt = Field(10, description="logged steps in a row that make a symptom a failure")
    min_entropy: float = Field(1e-3, ge=0, description="mean token entropy (nats) below which it collapsed")
    max_kl: PositiveFloat = Field(10.0, description="mean KL to the reference model that counts as a blow-up")
    reward_seconds: PositiveFloat = Field(300.0, description="longest time for one call of a reward function")


class TrainingConfig(Section):
    """Step 4: what GRPOConfig does not say."""

    prove: bool = Field(True, description="compare pass@1 on held-out prompts before and after")
    margin: Fraction = Field(0.1, description="improvement of pass@1 that the claim promises at least")
    confidence: float = Field(0.95, gt=0, lt=1, description="confidence of the bootstrap interval")
    held_out_prompts: PositiveInt = Field(100, description="held-out prompts to ask, at most")
    reuse_warm_start: bool = Field(
        False, description="GRPO asks the prompts of warm_start.jsonl too (embedded policy)"
    )
    samples_per_prompt: PositiveInt = Field(4, description="sampled completions for each held-out prompt")
    proof_batch_size: PositiveInt = Field(256, description="held-out completions sampled at once")
    cut_off_scores_zero: bool = Field(
        False, description="in training, a completion that the length limit cuts off scores 0"
    )
    failures: Fraction = Field(
        0.02, description="share of completions that rewards may fail to score; training stops above it"
    )
    health: HealthConfig = Field(default_factory=HealthConfig)


class Config(Section):
    """All settings of one example."""

    command: str | None = Field(None, description="the exact command that this file is made for")
    data: DataConfig = Field(default_factory=DataConfig)
    prompt: PromptConfig = Field(default_factory=PromptConfig)
    fireworks: FireworksConfig = Field(default_factory=FireworksConfig)
    sandbox: SandboxSettings = Field(default_factory=SandboxSettings)
    model: ModelConfig = Field(default_factory=ModelConfig)
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    grpo: dict[str, Any] = Field(default_factory=dict, description="any field of TRL's GRPOConfig")


class _Settings(Config, BaseSettings):  # type: ignore[misc] # two kinds of the same dictionary
    """``Config`` as pydantic-settings reads it. Never made: its constructor would read sources unasked."""


Layer: TypeAlias = tuple[Callable[[str], str], dict[str, Any]]
"""One source of settings: how it calls a dotted key, and the tree of values that it gives."""


def load_config(
    path: Path, overrides: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
) -> Config:
    """Read ``path`` and lay the environment and then ``overrides`` (dotted key -> text) over it.

    Raises ``CannotRunError`` naming the file, variable or option, the problem and near names.
    """
    return _loaded(_layers(path, overrides or {}, environ or {}))


def _loaded(layers: Sequence[Layer]) -> Config:
    config = Config()
    tree: dict[str, Any] = {}
    for number, (name, values) in enumerate(layers):
        for section in ("grpo", "model.embedded.grpo"):
            if isinstance(fields := _get(values, section), dict):
                check_grpo(fields, name, section)
        tree = _merged(tree, values)
        try:
            # Text is read as its field wants; what the file says has types, and 4 is not "4".
            if number == 0:
                config = Config.model_validate_json(json.dumps(tree), strict=True)
            else:
                config = Config.model_validate(tree)
        except ValidationError as error:
            problem = error.errors()[0]
            key = ".".join(str(part) for part in problem["loc"])
            if problem["type"] == "extra_forbidden":
                raise CannotRunError(f"{name(key)}: unknown setting{_near(key)}") from None
            raise CannotRunError(f"{name(key)}: {problem['msg']} (got {problem['input']!r})") from None
    return config


def effective_settings(path: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, Any, str, str]]:
    """Yield ``(dotted key, value, where it comes from, description)`` of each setting but TRL's own."""
    layers = _layers(path, {}, environ)  # once: of a pipe, nothing would be left the second time
    config = _loaded(layers)
    for key, _, description in leaf_fields():
        origins = [name(key) for name, values in layers if _get(values, key) is not None]
        value = functools.reduce(getattr, key.split("."), config)
        yield (
            key,
            value,
            origins[-1].replace(f"{path}: {key}", path.name) if origins else "default",
            description,
        )


def leaf_fields(model: type[BaseModel] = Config, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Yield ``(dotted key, default, description)`` of each setting but TRL's own."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaf_fields(field.annotation, f"{key}.")
        elif name not in ("grpo", "command"):
            yield key, field.default, field.description or ""


def _layers(path: Path, overrides: Mapping[str, str], environ: Mapping[str, str]) -> list[Layer]:
    """File, environment and options, in rising precedence."""
    try:
        tree = json.loads(path.read_bytes())  # bytes: a byte order mark may stand first
    except OSError as error:
        raise CannotRunError(f"{path}: cannot read it ({error.strerror or error})") from error
    except ValueError as error:
        raise CannotRunError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(tree, dict):
        raise CannotRunError(f"{path}: not a JSON object")
    variables = {name: text for name, text in environ.items() if name.startswith(ENVIRONMENT_PREFIX)}
    return [
        (lambda key: f"{path}: {key}", tree),
        (
            lambda key: f"{ENVIRONMENT_PREFIX}{key.upper().replace('.', '__')}",
            _tree_of(variables, ENVIRONMENT_PREFIX, "__"),
        ),
        (lambda key: f"--{key}", _tree_of(overrides, "", ".")),
    ]


def _tree_of(texts: Mapping[str, str], prefix: str, delimiter: str) -> dict[str, Any]:
    """The nested values of variables, or of options, whose names hold the path."""
    for name in texts:
        key = name.removeprefix(prefix).lower().replace(delimiter, ".")
        if key.partition(".")[0] not in Config.model_fields:
            raise CannotRunError(f"{name if prefix else f'--{name}'}: unknown setting{_near(key)}")
    source = EnvSettingsSource(_Settings, env_prefix=prefix, env_nested_delimiter=delimiter)
    source.env_vars = {name.lower(): None if text == "null" else text for name, text in texts.items()}
    try:
        tree = source()
    except SettingsError as error:
        raise CannotRunError(str(error)) from error
    if "grpo" in tree:
        tree["grpo"] = {name: _json_or_text(text) for name, text in tree["grpo"].items()}
    return tree


def _json_or_text(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(below[key], above[key])
        for key in below.keys() & above.keys()
        if isinstance(below[key], dict) and isinstance(above[key], dict)
    }
    return {**below, **above, **both}


def _get(tree: Any, key: str) -> Any:
    for part in key.split("."):
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree


def grpo_of(config: Config) -> dict[str, Any]:
    """The fields of ``GRPOConfig`` that hold for the configured policy.

    ``model.embedded.grpo`` is for the embedded policy alone, ``PRETRAINED`` for any other; the ``grpo``
    section, which the command line can change, overrides both.
    """
    below = config.model.embedded.grpo if config.model.name == "embedded" else PRETRAINED
    return check_grpo({**below, **config.grpo})


def check_groups(grpo: Mapping[str, Any], processes: int) -> None:
    """Raise ``CannotRunError`` for groups of completions that do not fit into what is sampled at once."""
    sizes = ("per_device_train_batch_size", "gradient_accumulation_steps", "steps_per_generation")
    for name in (*sizes, "generation_batch_size", "num_generations"):
        if grpo.get(name) is not None and grpo[name] < 1:
            raise CannotRunError(f"grpo.{name}: give a whole number of at least 1, not {grpo[name]}")
    # The numbers are TRL's defaults.
    batch = grpo.get("per_device_train_batch_size", 8) * processes
    batch *= grpo.get("steps_per_generation") or grpo.get("gradient_accumulation_steps", 1)
    batch = grpo.get("generation_batch_size") or batch
    group = grpo.get("num_generations") or 8
    if group < 2 or batch % group:
        fit = [str(number) for number in range(2, min(batch, 64) + 1) if batch % number == 0]
        decided = (
            "generation_batch_size" if grpo.get("generation_batch_size") else "per_device_train_batch_size"
        )
        raise CannotRunError(
            f"grpo.num_generations: groups of {group} cannot be made of the {batch} completions that are"
            f" sampled at once; take {' or '.join(fit[:4]) or 'at least 2'}, or change grpo.{decided}"
        )


@functools.cache
def grpo_types() -> Mapping[str, Any]:
    """The fields of ``GRPOConfig`` and their types, read from its source: to import it takes seconds.

    Empty without TRL; ``Any`` for a type that is not made of plain ones.
    """
    types: dict[str, str] = {}
    for file in reversed(GRPO_CONFIG):
        spec = importlib.util.find_spec(file.partition("/")[0])
        path = spec and spec.origin and Path(spec.origin).parents[1] / file
        if not path or not path.is_file():
            return {}
        for definition in ast.parse(path.read_text(encoding="utf-8")).body:
            for node in definition.body if isinstance(definition, ast.ClassDef) else []:
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                    text = ast.unparse(node.annotation)
                    types[node.target.id] = text if set(re.findall(r"\w+", text)) <= PLAIN else "Any"
    return get_type_hints(type("Fields", (), {"__annotations__": types}), {"Any": Any, "Literal": Literal})


def check_grpo(
    fields: Mapping[str, Any], called: Callable[[str], str] = str, section: str = "grpo"
) -> dict[str, Any]:
    """A copy of ``fields`` whose every key is a field of ``GRPOConfig`` and whose values have its type.

    Numbers given for a text field become text, since the command line cannot tell them apart. Raises
    ``CannotRunError`` naming the field, as its dotted key in ``section`` is ``called``, and what is expected.
    """
    types = grpo_types()
    if not types:
        return dict(fields)
    return {name: _checked(called(f"{section}.{name}"), name, types, value) for name, value in fields.items()}


def _checked(called: str, name: str, types: Mapping[str, Any], value: Any) -> Any:
    if name == "output_dir":
        raise CannotRunError(f"{called}: set it with --output-dir")
    if name not in types:
        raise CannotRunError(f"{called}: no field of TRL's GRPOConfig{_near(f'grpo.{name}', otherwise='')}")
    adapter = TypeAdapter(types[name], config=ConfigDict(allow_inf_nan=False))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    for given in [value, str(value)] if is_number else [value]:
        try:
            return adapter.validate_python(given, strict=True)
        except ValidationError:
            continue
    expected = getattr(types[name], "__name__", None) or str(types[name])
    raise CannotRunError(f"{called}: expected {expected}, got {value!r}")


def is_hub_name(name: str) -> bool:
    """Whether a policy's name is one of the hub: NAME or OWNER/NAME, where there is no such folder."""
    named = re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", name) is not None and not name.endswith(".gguf")
    return named and name != "embedded" and not Path(name).exists()


def check_there(policy: str, name: str) -> None:
    """Raise ``CannotRunError`` for a policy whose ``name`` is neither there nor one that the hub may have."""
    if ":" not in name and not is_hub_name(name) and not Path(name).exists():
        pinned, at, revision = name.rpartition("@")
        hint = f"; for a revision say --model.revision {revision}" if at and is_hub_name(pinned) else ""
        raise CannotRunError(f"policy {policy!r}: no such file or folder{hint}")


def _near(key: str, otherwise: str = "; --help lists them") -> str:
    known = [name for name, _, _ in leaf_fields()] + [f"grpo.{name}" for name in grpo_types()]
    return f"; {meant}" if (meant := did_you_mean(key, known)) else otherwise
