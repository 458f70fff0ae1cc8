"""Run a command without a network: in a namespace that has none, or else behind a socket guard."""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

GUARD = Path(__file__).parent / "socket_guard"


@functools.cache
def namespace_prefix() -> tuple[str, ...]:
    """The words that put a command into a network namespace of its own; empty where that is impossible."""
    if not shutil.which("unshare"):
        return ()
    for words in (("unshare", "--net"), ("unshare", "--map-current-user", "--net")):
        if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
            return (*words, "--")
    return ()


def run_offline(
    command: Sequence[str], environ: Mapping[str, str] | None = None, **options: object
) -> subprocess.CompletedProcess[str]:
    """``subprocess.run`` of a Python command with output captured as text and no network.

    ``environ`` is added to an environment without this project's switches, settings and keys.
    """
    command, env = offline(command, environ)
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]


def offline(
    command: Sequence[str], environ: Mapping[str, str] | None = None
) -> tuple[list[str], dict[str, str]]:
    """The command and environment that ``run_offline`` runs, for tests that need the process itself."""
    env = {**os.environ, "HF_HUB_OFFLINE": "1", **(environ or {})}
    prefix = namespace_prefix()
    if not prefix:
        env["PYTHONPATH"] = os.pathsep.join([str(GUARD), *filter(None, [env.get("PYTHONPATH")])])
    return [*prefix, *command], env


def python_offline(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """``run_offline`` of this interpreter."""
    return run_offline([sys.executable, *arguments], environ)
