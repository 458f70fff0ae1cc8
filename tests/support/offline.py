"""Run a command without a network: in a namespace that has none, or else behind a socket guard."""

import functools
import os
import shutil
import subprocess
import sys
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


def python_offline(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run this interpreter with no network and its output as text; ``environ`` joins the environment."""
    env = {**os.environ, "HF_HUB_OFFLINE": "1", **environ}
    prefix = namespace_prefix()
    if not prefix:
        env["PYTHONPATH"] = os.pathsep.join([str(GUARD), *filter(None, [env.get("PYTHONPATH")])])
    command = [*prefix, sys.executable, *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)
