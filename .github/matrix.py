"""The jobs of CI, from what nox lists: one for each session, and only those that a change can affect.

    python .github/matrix.py                      # every session but the long ones
    python .github/matrix.py --base origin/main   # those that the changes since then can affect
    python .github/matrix.py --long               # the long ones, too

Prints the jobs as one line of JSON, for ``strategy.matrix.include``.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

Session: TypeAlias = dict[str, Any]
"""One entry of ``nox --list --json``: ``session`` (as given to ``nox -s``), ``name``, ``call_spec``, ..."""

ROOT = Path(__file__).resolve().parents[1]

NOT_IN_CI = {
    "bench": "a shared runner's timings say nothing",
    "constraints": "writes a file for a person to commit",
    "dev": "makes an environment for a person",
    "new_example": "makes a folder for a person",
    "report": "a job of its own, after all others",
    "trainer": "makes the environment of the sessions that need it",
    "everything": "makes the environment of the sessions that need it",
    "browser": "runs before each session that needs it",
    "isolation": "runs before each session that needs it",
    "sandbox": "installs for a person; the workflow does it in a step",
    "services": "serves until a person stops it",
}
"""Sessions that are no check, and why. Any other session is in CI as soon as nox lists it."""

LONG = ("prove", "smoke", "real", "audit", "cluster", "kills")
"""Sessions of many minutes, or about the world and not the change: nightly and by hand."""

ALWAYS = ("lint", "docs(project)")
"""Sessions that even a change of the docs can break."""

READ_EXAMPLES = ("lint", "types", "drift")
"""Sessions that are not about one example but read the files of all."""

BORROWERS = {"math_example": ("tests(common)",), "trl_integration": ("tests(common)", "tests(training)")}
"""Sessions of other parts whose tests run an example's scripts."""

OLDEST, NEWER = "3.11", ("3.12", "3.13")
EVERY_PYTHON = ("tests(common)",)
"""Sessions that run on each supported Python; the others run on the oldest."""

NO_SANDBOX = ("lint", "types", "drift", "audit", "cluster")
"""Sessions that run no untrusted program, so that bubblewrap need not be installed."""

MINUTES = {"lint": 10, "types": 10, "docs": 40, "prove": 60, "smoke": 60, "real": 300, "kills": 60}


def sessions() -> list[Session]:
    """Everything that nox lists. ``-k True``, because without it only the default sessions are."""
    command = [sys.executable, "-m", "nox", "--list", "--json", "-k", "True"]
    listed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: list[Session] = json.loads(listed)
    return found


def example_of(session: Session, examples: Iterable[str]) -> str | None:
    """The example that a session is about, if it is about one."""
    return next((value for value in session["call_spec"].values() if value in examples), None)


def affected(path: str, examples: Iterable[str]) -> str | None:
    """What a changed file can break: the name of an example, ``docs``, or ``None`` for everything."""
    match path.split("/"):
        case ["examples", name, _, *_] if name in examples:
            return name
    return "docs" if path.endswith(".md") or path == "LICENSE" else None


def selected(
    listed: Sequence[Session],
    examples: Iterable[str],
    changed: Iterable[str] | None = None,
    long: bool = False,
) -> list[Session]:
    """The sessions to run, in nox's order.

    ``changed`` are paths of changed files, relative to the repository; ``None`` when they are not known
    or do not matter, and then every session runs. An empty change runs what a change of the docs does.
    """
    examples = frozenset(examples)
    wanted = [s for s in listed if s["name"] not in NOT_IN_CI and (long or s["name"] not in LONG)]
    reasons = {"docs"} if changed is None else {affected(path, examples) for path in changed} | {"docs"}
    if changed is None or None in reasons:
        return wanted
    touched = examples & reasons
    names = set(READ_EXAMPLES if touched else ())
    borrowers = {name for example in touched for name in BORROWERS.get(example, ())}
    return [
        session
        for session in wanted
        if session["name"] in names
        or session["session"] in (*ALWAYS, *borrowers)
        or example_of(session, touched)
    ]


def jobs(chosen: Iterable[Session]) -> list[dict[str, Any]]:
    """One job for each session and Python: what the workflow's ``matrix`` is made of."""
    return [
        {
            "name": session["session"] if python == OLDEST else f"{session['session']} on {python}",
            "slug": re.sub(r"\W+", "-", f"{session['session']}-{python}").strip("-"),
            "session": session["session"],
            "python": python,
            "sandbox": session["name"] not in NO_SANDBOX,
            "minutes": MINUTES.get(session["name"], 20),
        }
        for session in chosen
        for python in (OLDEST, *(NEWER if session["session"] in EVERY_PYTHON else ()))
    ]


def changed_files(base: str) -> list[str]:
    """Files that differ between ``base``'s merge base with HEAD and HEAD; a renamed file counts twice."""
    command = ["git", "diff", "--name-only", "--no-renames", "-z", f"{base}...HEAD"]
    shown = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [path for path in shown.split("\0") if path]


def main() -> None:
    """Print the jobs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", help="only what the changes since this commit can affect")
    parser.add_argument("--long", action="store_true", help=f"with {', '.join(LONG)}")
    options = parser.parse_args()
    examples = [path.parent.name for path in (ROOT / "examples").glob("*/config.json")]
    changed = changed_files(options.base) if options.base else None
    chosen = jobs(selected(sessions(), examples, changed, options.long))
    sys.stdout.write(json.dumps(chosen) + "\n")


if __name__ == "__main__":
    main()
