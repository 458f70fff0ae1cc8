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

    A ``functools.partial`` takes along what it binds: ``sandbox`` settings (``with_sandbox``) and literals.
    Raises ``CannotRunError`` for other values, and when ``reward`` cannot be found again by its module and
    name (a closure or a lambda), because then its code cannot be sent.
    """
    keywords: dict[str, Any] = {}
    if isinstance(reward, functools.partial):
        reward, keywords = reward.func, dict(reward.keywords)
    settings = keywords.pop("sandbox", None)
    module = sys.modules[reward.__module__]
    attribute = next((name for name, value in vars(module).items() if value is reward), None)
    if attribute is None:
        raise CannotRunError(
            f"the reward {reward!r} has no name in its module {module.__name__}; bundling needs one"
        )
    needed = [module.__name__, CONTRACT]
    setup, bound = "", "".join(f", {name}={_literal(name, value)}" for name, value in keywords.items())
    if settings is not None:
        kind = type(settings)
        needed.append(kind.__module__)
        setup = f"from {kind.__module__} import {kind.__name__}\n\n"
        bound += f", sandbox={kind.__name__}(**{dict(settings)!r})"
    return _MAIN.format(
        name=reward.__name__,
        sources=pprint.pformat(dict(sorted(_closure(needed))), width=120, sort_dicts=False),
        contract=CONTRACT,
        setup=setup,
        module=module.__name__,
        attribute=attribute,
        bound=bound,
    )


def _literal(name: str, value: Any) -> str:
    text = repr(value)
    try:
        same = ast.literal_eval(text) == value
    except (ValueError, SyntaxError):
        same = False
    if not same:
        raise CannotRunError(
            f"the reward is bound to {name}={text}, which cannot be sent; bind literals only"
        )
    return text


def _closure(modules: Sequence[str]) -> Iterator[tuple[str, str]]:
    """``(path in the bundle, source)`` of ``modules`` and of all that they import of these packages.

    A package that only has to be there, because a module lies in it, is an empty one; one that hands on what
    its modules define hands on only what is asked for.
    """
    module = sys.modules[modules[0]]
    packages = {"proving_ground", module.__name__.split(".")[0]}
    if "." not in module.__name__ and module.__file__:
        packages |= {path.stem for path in Path(module.__file__).parent.glob("*.py")}
    waiting, seen = [*modules], {*modules}
    handed_on: dict[str, dict[str, str]] = {}
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
        tree = ast.parse(source)
        needed = set() if package == name else {*_named(tree, package)}
        for origin, names in _imported(tree):
            exports = _exports(_find(origin, packages))
            found = {each: exports[each] for each in names if each in exports}
            if found:
                handed_on.setdefault(origin, {}).update(found)
                parents.add(origin)
            needed |= {*found.values(), *(f"{origin}.{each}" for each in names if each not in found)}
            if len(found) < len(names) or not names:
                needed.add(origin)
        waiting += needed - seen
        seen |= needed
    for name in parents - seen:
        lines = [f"from {origin} import {each}" for each, origin in sorted(handed_on.get(name, {}).items())]
        yield f"{name.replace('.', '/')}/__init__.py", "\n".join(lines)


def _imported(tree: ast.AST) -> Iterator[tuple[str, list[str]]]:
    """The modules that a source imports, each with the names it takes from it; none for a whole module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, [alias.name for alias in node.names]


def _exports(path: Path | None) -> dict[str, str]:
    """Name -> module, of a package that does nothing but hand on names of its modules."""
    if path is None or path.name != "__init__.py":
        return {}
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    if not all(isinstance(node, ast.Expr | ast.ImportFrom | ast.Assign) for node in nodes):
        return {}
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {alias.name: node.module or "" for node in imports for alias in node.names}


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
