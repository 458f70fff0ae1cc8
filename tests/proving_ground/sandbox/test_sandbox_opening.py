"""Where nothing can isolate, nothing runs; and settings mean what they say."""

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

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
    "fields",
    [{"workers": 0}, {"backend": "docker"}, {"timeout_seconds": 0}, {"base_url": "here"}, {"timeout": 1}],
)
def test_settings_out_of_range_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SandboxSettings(**fields)


def test_a_service_needs_an_address() -> None:
    with pytest.raises(CannotRunError, match=r"sandbox\.base_url"):
        open_sandbox(SandboxSettings(backend="api"))


def test_settings_reach_the_sandbox() -> None:
    sandbox = open_sandbox(SandboxSettings(workers=3, timeout_seconds=0.3, memory_mb=100))
    assert sandbox.workers == 3
    assert sandbox.run("while True: pass").status == "timeout"
    assert sandbox.run("x = bytearray(150 << 20)").status == "memory"
