"""Pack a reward into one ``main.py`` that runs where this project is not installed.

The hosted evaluator gets the reward's own source, not a re-implementation: the module that defines it
and every module of this project that it needs, found by reading imports. ``main.py`` unpacks them into a
temporary folder and defines ``evaluate(messages, ground_truth=None, **kwargs)``.
"""

import ast
import functools
import importlib.util
import pprint
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from proving_ground.errors import CannotRunError

CONTRACT = "proving_ground.rewards.contract"
_MAIN = '''\
"""Evaluator bundle: the reward {name}, packed by Proving Ground. Generated; do not edit."""

import functools
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
from {contract} import call_reward

{setup}reward = functools.partial(importlib.import_module({module!r}).{attribute}{bound})


def evaluate(messages, ground_truth=None, **kwargs):
    """Score the last message. A broken ground truth raises: it must not look like a wrong answer."""
    row = {{"prompt": messages[:-1], "ground_truth": ground_truth, **kwargs}}
    score = call_reward(reward, [row], [messages[-1:]])[0]
    reason = "not applicable" if score is None else f"{name} = {{score:g}}"
    metric = {{"score": score or 0.0, "reason": reason, "is_score_valid": score is not None}}
    return {{**metric, "metrics": {{{name!r}: metric}}}}
'''


def bundle(reward: Any) -> str:
    """The text of a ``main.py`` whose ``evaluate`` is ``reward``, called as everywhere (``call_reward``).

    A ``functools.partial`` with ``sandbox`` settings (``with_sandbox``) takes them along. Raises
    ``CannotRunError`` when ``reward`` cannot be found again by its module and name (a closure or a lambda),
    because then its code cannot be sent.
    """
    settings = None
    if isinstance(reward, functools.partial):
        reward, settings = reward.func, reward.keywords.get("sandbox")
    module = sys.modules[reward.__module__]
    attribute = next((name for name, value in vars(module).items() if value is reward), None)
    if attribute is None:
        raise CannotRunError(
            f"the reward {reward!r} has no name in its module {module.__name__}; bundling needs one"
        )
    needed = [module.__name__, CONTRACT]
    setup = bound = ""
    if settings is not None:
        kind = type(settings)
        needed.append(kind.__module__)
        setup = f"from {kind.__module__} import {kind.__name__}\n\n"
        bound = f", sandbox={kind.__name__}(**{dict(settings)!r})"
    return _MAIN.format(
        name=reward.__name__,
        sources=pprint.pformat(dict(sorted(_closure(needed))), width=120, sort_dicts=False),
        contract=CONTRACT,
        setup=setup,
        module=module.__name__,
        attribute=attribute,
        bound=bound,
    )


def _closure(modules: Sequence[str]) -> Iterator[tuple[str, str]]:
    """``(path in the bundle, source)`` of ``modules`` and of all that they import of these packages.

    A package that only has to be there, because a module lies in it, is an empty one.
    """
    module = sys.modules[modules[0]]
    packages = {"proving_ground", module.__name__.split(".")[0]}
    if "." not in module.__name__ and module.__file__:
        packages |= {path.stem for path in Path(module.__file__).parent.glob("*.py")}
    waiting, seen = [*modules], {*modules}
    parents = set()
    while waiting:
        name = waiting.pop()
        path = _find(name, packages)
        if path is None:
            continue
        source = path.read_text(encoding="utf-8")
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        yield name.replace(".", "/") + ("/__init__.py" if package == name else ".py"), source
        parents |= {name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1)}
        tree = _WithoutTyping().visit(ast.parse(source))
        new = {*_imported(tree, packages)} - seen
        if package != name:
            new |= {*_named(tree, package)} - seen
        seen |= new
        waiting += new
    yield from ((f"{name.replace('.', '/')}/__init__.py", "") for name in parents - seen)


class _WithoutTyping(ast.NodeTransformer):
    """Takes out what only a type checker imports."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)


def _imported(tree: ast.AST, packages: set[str]) -> Iterator[str]:
    """The modules that a source imports, and those that define what it imports from a package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
            path = _find(node.module, packages)
            if path is not None and path.name == "__init__.py":
                values = [getattr(sys.modules[node.module], alias.name, None) for alias in node.names]
                yield from (value.__module__ for value in values if hasattr(value, "__module__"))


def _named(tree: ast.AST, package: str) -> Iterator[str]:
    """Modules that a source names in a string.

    A worker is started with ``python -m proving_ground.x``; what runs in a sandbox is found as ``"x.py"``
    beside it.
    """
    texts = [str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    for text in texts:
        if re.fullmatch(r"proving_ground(\.[a-z_]+)+", text):
            yield text
        elif re.fullmatch(r"[a-z_]+\.py", text) and package:
            yield f"{package}.{text.removesuffix('.py')}"


def _find(name: str, packages: set[str]) -> Path | None:
    """The file of a module of ``packages``; ``None`` for any other, and for a name that is no module."""
    if name.split(".")[0] not in packages:
        return None
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # "proving_ground.x.NAME" where x is a module: NAME is no module
        return None
    return Path(spec.origin) if spec and spec.origin else None
