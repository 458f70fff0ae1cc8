"""Typed configuration: ``config.json``, the environment and the command line, in rising precedence.

Every setting has a dotted key (``fireworks.concurrency``). It is given on the command line as
``--fireworks.concurrency 8``, in the environment as ``PROVING_GROUND_FIREWORKS__CONCURRENCY=8``, and in
``config.json`` as ``{"fireworks": {"concurrency": 8}}``. Unknown keys, wrong types and values out of
range are errors that name the key. The ``grpo`` section takes any field of TRL's ``GRPOConfig`` under
TRL's own name; ``proving_ground.training`` checks it against that class.
"""

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from proving_ground.errors import CannotRunError

ENVIRONMENT_PREFIX = "PROVING_GROUND_"

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
    processes: PositiveInt = Field(
        1, description="processes that filter rows; the result does not depend on it"
    )
    coverage_tolerance: Fraction = Field(
        0.0, description="share of the wanted rows that coverage may fall short by"
    )
    decontaminate: Path | None = Field(
        None, description="JSON lines of held-out questions; rows that share eight words with one are dropped"
    )
    dir: Path | None = Field(None, description="folder of the prepared data; the example's own by default")


class PromptConfig(Section):
    """What stands before the question, for hosted and trained models alike."""

    system: str | None = Field(None, description="system prompt")


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


class SandboxConfig(Section):
    """Where model-written programs run."""

    backend: Literal["local", "api"] = Field("local", description="bubblewrap here, or a SandboxFusion API")
    base_url: str | None = Field(None, pattern=r"^https?://", description="address of the sandbox API")
    workers: PositiveInt = Field(2, description="programs at once")
    timeout_seconds: PositiveFloat = Field(5.0, description="wall clock of one program")
    memory_mb: PositiveInt = Field(512, description="address space of one program, in MiB")


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


class LoraConfig(Section):
    """Train low-rank adapters instead of all weights."""

    rank: int = Field(0, ge=0, description="rank of the adapters; 0 trains all weights")
    alpha: PositiveInt = Field(32, description="scale of the adapters")
    dropout: Fraction = Field(0.0, description="dropout of the adapters")
    target_modules: str = Field("all-linear", description="modules to adapt, as peft names them")


class ModelConfig(Section):
    """Step 4: the policy."""

    name: str = Field("embedded", description="embedded, or anything transformers can load")
    dtype: Literal["float32", "bfloat16", "float16"] = Field("float32", description="weights' type")
    lora: LoraConfig = Field(default_factory=LoraConfig)
    embedded: EmbeddedConfig = Field(default_factory=EmbeddedConfig)


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
    health: HealthConfig = Field(default_factory=HealthConfig)


class Config(Section):
    """All settings of one example."""

    command: str | None = Field(None, description="the exact command that this file is made for")
    data: DataConfig = Field(default_factory=DataConfig)
    prompt: PromptConfig = Field(default_factory=PromptConfig)
    fireworks: FireworksConfig = Field(default_factory=FireworksConfig)
    sandbox: SandboxConfig = Field(default_factory=SandboxConfig)
    model: ModelConfig = Field(default_factory=ModelConfig)
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    grpo: dict[str, Any] = Field(default_factory=dict, description="any field of TRL's GRPOConfig")


def load_config(
    path: Path, overrides: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
) -> Config:
    """Read ``path`` and lay the environment and then ``overrides`` (dotted key -> text) over it.

    Raises ``CannotRunError`` naming the file or option, the key, the problem and near names.
    """
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotRunError(f"{path}: cannot read it ({error.strerror or error})") from error
    except ValueError as error:
        raise CannotRunError(f"{path}: not valid JSON ({error})") from error
    _validate(
        tree, str(path)
    )  # strictly, before text from outside is mixed in, so that errors name the right place
    layers = [
        *(
            (f"{ENVIRONMENT_PREFIX}{key.replace('.', '__').upper()}", key, text)
            for key, text in _from(environ or {})
        ),
        *((f"--{key}", key, text) for key, text in (overrides or {}).items()),
    ]
    for origin, key, text in layers:
        _assign(tree, key, _parse_value(origin, key, text))
        _validate(tree, origin)
    return _validate(tree, str(path))


def leaf_fields(model: type[BaseModel] = Config, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Yield ``(dotted key, default, description)`` of each setting, for ``--help`` and the documentation."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaf_fields(field.annotation, f"{key}.")
        elif key not in ("grpo", "command"):
            yield key, field.default, field.description or ""


def _from(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in sorted(environ.items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            yield name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", "."), text


def _parse_value(origin: str, key: str, text: str) -> Any:
    """Turn an option's text into the value its field wants; TRL's own fields are read as JSON or text."""
    if key.startswith("grpo."):
        try:
            return json.loads(text)
        except ValueError:
            return text
    annotation = _annotation(origin, key)
    try:
        return TypeAdapter(annotation).validate_python(text)
    except ValidationError:
        pass
    try:
        return TypeAdapter(annotation).validate_json(text)
    except ValidationError:
        raise CannotRunError(f"{origin} {text!r}: expected {_type_name(annotation)}") from None


def _annotation(origin: str, key: str) -> Any:
    model: type[BaseModel] = Config
    *sections, leaf = key.split(".")
    for section in sections:
        field = model.model_fields.get(section)
        if field is None or not (
            isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        ):
            raise CannotRunError(f"{origin}: unknown setting{_near(key)}")
        model = field.annotation
    if leaf not in model.model_fields:
        raise CannotRunError(f"{origin}: unknown setting{_near(key)}")
    return model.model_fields[leaf].annotation


def _assign(tree: dict[str, Any], key: str, value: Any) -> None:
    *sections, leaf = key.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
    tree[leaf] = value


def _validate(tree: Any, origin: str) -> Config:
    try:
        # Through JSON because strict JSON still reads a path or a tuple from what JSON has.
        return Config.model_validate_json(json.dumps(tree, default=str), strict=True)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            raise CannotRunError(f"{origin}: unknown setting {key!r}{_near(key)}") from None
        raise CannotRunError(f"{origin}: {key}: {problem['msg']} (got {problem['input']!r})") from None


def _near(key: str) -> str:
    known = [name for name, _, _ in leaf_fields()]
    matches = difflib.get_close_matches(key, known, n=2)
    return f"; did you mean {' or '.join(matches)}?" if matches else "; --help lists them"


def _type_name(annotation: Any) -> str:
    return getattr(annotation, "__name__", None) or str(annotation).replace("typing.", "")
