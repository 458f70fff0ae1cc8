"""Pack a reward into one ``main.py`` that runs where this project is not installed.

The hosted evaluator gets the reward's own source, not a re-implementation: the module that defines it
and every module of this project that it needs, found by reading imports. ``main.py`` unpacks them into a
temporary folder and defines ``evaluate(messages, ground_truth=None, **kwargs)``.
"""

import ast
import importlib.util
import pprint
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from proving_ground.errors import CannotRunError

_MAIN = '''\
"""Evaluator bundle: the reward {name}, packed by Proving Ground. Generated; do not edit."""

import importlib
import os
import sys
import tempfile

SOURCES = {sources}

_folder = tempfile.mkdtemp(prefix="evaluator-")
for _path, _text in SOURCES.items():
    _file = os.path.join(_folder, *_path.split("/"))
    os.makedirs(os.path.dirname(_file), exist_ok=True)
    with open(_file, "w", encoding="utf-8") as _stream:
        _stream.write(_text)
sys.path.insert(0, _folder)
{setup}reward = importlib.import_module({module!r}).{attribute}


def evaluate(messages, ground_truth=None, **kwargs):
    """Score the last message. A broken ground truth raises: it must not look like a wrong answer."""
    columns = {{key: [value] for key, value in kwargs.items()}}
    score = reward([messages[-1:]], ground_truth=[ground_truth], **columns)[0]
    reason = "not applicable" if score is None else f"{name} = {{score:g}}"
    metric = {{"score": score or 0.0, "reason": reason, "is_score_valid": score is not None}}
    return {{**metric, "metrics": {{{name!r}: metric}}}}
'''

_SETUP = """\
from proving_ground.sandbox import SandboxSettings, configure

configure(SandboxSettings(**{settings!r}))
"""


def bundle(reward: Any, sandbox: Mapping[str, Any] | None = None) -> str:
    """The text of a ``main.py`` whose ``evaluate`` is ``reward``.

    ``sandbox`` (fields of ``SandboxSettings``) is where it runs programs, for a reward that runs any.
    Raises ``CannotRunError`` when ``reward`` cannot be found again by its module and name (a closure or
    a lambda), because then its code cannot be sent.
    """
    module = sys.modules[reward.__module__]
    attribute = next((name for name, value in vars(module).items() if value is reward), None)
    if attribute is None:
        raise CannotRunError(
            f"the reward {reward!r} has no name in its module {module.__name__}; bundling needs one"
        )
    sources = dict(sorted(_closure(module)))
    return _MAIN.format(
        name=reward.__name__,
        sources=pprint.pformat(sources, width=120, sort_dicts=False),
        setup="" if sandbox is None else _SETUP.format(settings=dict(sandbox)),
        module=module.__name__,
        attribute=attribute,
    )


def _closure(module: ModuleType) -> Iterator[tuple[str, str]]:
    """``(path in the bundle, source)`` of ``module`` and of all that it imports of these packages."""
    packages = {"proving_ground", module.__name__.split(".")[0]}
    if "." not in module.__name__ and module.__file__:
        packages |= {path.stem for path in Path(module.__file__).parent.glob("*.py")}
    waiting, seen = [module.__name__], {module.__name__}
    while waiting:
        name = waiting.pop()
        path = _find(name, packages)
        if path is None:
            continue
        source = path.read_text(encoding="utf-8")
        suffix = "/__init__.py" if path.name == "__init__.py" else ".py"
        yield name.replace(".", "/") + suffix, source
        parents = [name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1)]
        for needed in [*parents, *_mentioned(ast.parse(source), name.rpartition(".")[0])]:
            if needed not in seen:
                seen.add(needed)
                waiting.append(needed)


def _mentioned(tree: ast.AST, package: str) -> Iterator[str]:
    """Module names that a source imports, or names in a string.

    A worker is started with ``python -m proving_ground.x``; what runs in a sandbox is found as ``"x.py"``
    beside it.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and re.fullmatch(r"proving_ground(\.[a-z_]+)+", str(node.value)):
            yield str(node.value)
        elif isinstance(node, ast.Constant) and re.fullmatch(r"[a-z_]+\.py", str(node.value)) and package:
            yield f"{package}.{str(node.value).removesuffix('.py')}"


def _find(name: str, packages: set[str]) -> Path | None:
    """The file of a module of ``packages``; ``None`` for any other, and for a name that is no module."""
    if name.split(".")[0] not in packages:
        return None
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # "proving_ground.x.NAME" where x is a module: NAME is no module
        return None
    return Path(spec.origin) if spec and spec.origin else None
