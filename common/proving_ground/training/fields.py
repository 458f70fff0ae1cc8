"""Check the ``grpo`` section against TRL's ``GRPOConfig`` without importing it.

Importing ``GRPOConfig`` takes about nine CPU seconds, because it imports torch and transformers. Names and
types of its fields stand in three source files, which are parsed in milliseconds.
"""

import ast
import difflib
import enum
import importlib.util
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from proving_ground.errors import CannotRunError

SOURCES = (
    ("transformers", "training_args.py", "TrainingArguments"),
    ("trl", "trainer/base_config.py", "_BaseConfig"),
    ("trl", "trainer/grpo_config.py", "GRPOConfig"),
)
"""Package, file and class, from the base class to ``GRPOConfig``: later fields override earlier ones."""

OURS = {"output_dir": "--output-dir"}
"""Fields that are set elsewhere, and where."""


class _EnumMember(enum.StrEnum):
    """Stands for transformers' string enums; their ``| str`` alternative accepts every name."""


_ENUMS = (
    "DebugOption",
    "FSDPOption",
    "HubStrategy",
    "IntervalStrategy",
    "OptimizerNames",
    "ParallelismConfig",
    "SaveStrategy",
    "SchedulerType",
)
_KNOWN_NAMES = {"Any": Any, "Literal": Literal, **dict.fromkeys(_ENUMS, _EnumMember)}


@cache
def grpo_fields() -> Mapping[str, Any]:
    """The type of each field of ``GRPOConfig``, as annotated in the installed TRL and transformers.

    Raises ``ModuleNotFoundError`` where either is not installed, and ``CannotRunError`` where the classes
    are no longer found in the files they are expected in.
    """
    fields: dict[str, Any] = {}
    for package, file, class_name in SOURCES:
        fields.update(_annotations(_package_folder(package) / file, class_name))
    return fields


def check_grpo(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of the ``grpo`` section whose every key is a ``GRPOConfig`` field of the right type.

    Numbers given for a text field become text, since the command line cannot tell them apart.
    Raises ``CannotRunError`` naming the field, the type expected and, for unknown names, near ones.
    """
    fields = grpo_fields()
    return {name: _checked(fields, name, value) for name, value in section.items()}


def _checked(fields: Mapping[str, Any], name: str, value: Any) -> Any:
    if name in OURS:
        raise CannotRunError(f"grpo.{name}: set it with {OURS[name]}")
    if name not in fields:
        near = difflib.get_close_matches(name, fields, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "see TRL's GRPOConfig for the names"
        raise CannotRunError(f"grpo.{name}: TRL's GRPOConfig has no such field; {hint}")
    adapter = _adapter(fields[name])
    try:
        return adapter.validate_python(value, strict=True)
    except ValidationError:
        pass
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return adapter.validate_python(str(value), strict=True)
        except ValidationError:
            pass
    expected = getattr(fields[name], "__name__", None) or str(fields[name]).replace("typing.", "")
    raise CannotRunError(f"grpo.{name}: expected {expected}, got {value!r}")


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation, config=ConfigDict(allow_inf_nan=False))


def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    return Path(spec.origin).parent


def _annotations(file: Path, class_name: str) -> Iterator[tuple[str, Any]]:
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name == class_name:
            for statement in node.body:
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                    # The text is an annotation of an installed package that is imported a moment later.
                    yield statement.target.id, eval(ast.unparse(statement.annotation), dict(_KNOWN_NAMES))
            return
    raise CannotRunError(f"{file}: no class {class_name}; this TRL is not one this project knows")
