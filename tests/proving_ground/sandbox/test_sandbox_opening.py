"""Where nothing can isolate, nothing runs; and settings mean what they say."""

import os
from pathlib import Path

import pytest

from proving_ground.errors import CannotRunError, InfrastructureError
from proving_ground.sandbox import SandboxSettings, open_sandbox


def test_without_bubblewrap_nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InfrastructureError, match="apt-get install bubblewrap") as refused:
        open_sandbox()
    assert "\n" not in str(refused.value)


def test_a_bubblewrap_that_cannot_isolate_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: Creating new namespace failed' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(
        InfrastructureError, match=r"Creating new namespace failed.*user namespaces"
    ) as refused:
        open_sandbox()
    assert "\n" not in str(refused.value)


def test_a_bubblewrap_that_does_not_isolate_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A stand-in that just runs the command, without the descriptors a sandbox would answer on."""
    pretender = tmp_path / "bwrap"
    pretender.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n')
    pretender.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(InfrastructureError):
        open_sandbox()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (SandboxSettings(workers=0), "sandbox.workers"),
        (SandboxSettings(backend="api"), "sandbox.base_url"),
        (SandboxSettings(backend="docker"), "sandbox.backend"),  # type: ignore[arg-type]
    ],
)
def test_settings_that_contradict_themselves(settings: SandboxSettings, problem: str) -> None:
    with pytest.raises(CannotRunError, match=problem):
        open_sandbox(settings)


def test_settings_reach_the_sandbox() -> None:
    sandbox = open_sandbox(SandboxSettings(workers=3, timeout_seconds=0.3, memory_mb=100))
    assert sandbox.workers == 3
    assert sandbox.run("import time; time.sleep(9)").status == "timeout"
    assert sandbox.run("x = bytearray(150 << 20)").status == "memory"
