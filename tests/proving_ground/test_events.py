"""What reaches stdout and stderr: no bar in a log, no secret, and one process speaks."""

import io

import pytest

from proving_ground.events import emit, progress_bar, scrub


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "drawn"), [(io.StringIO(), False), (Terminal(), True)])
def test_a_log_that_is_no_terminal_gets_no_progress_bar(
    stream: io.StringIO, drawn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", stream)
    with progress_bar("rows read", 3) as bar:
        bar.update(3)
    assert ("rows read" in stream.getvalue()) is drawn


KEYS = "FIREWORKS_API_KEY HF_TOKEN WANDB_API_KEY CODE_SANDBOX_API_KEY OPENAI_API_KEY"


@pytest.mark.parametrize("name", KEYS.split())
def test_each_secret_is_taken_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, " recognisable ")
    assert scrub("header: recognisable") == f"header: <{name}>"


def test_only_rank_0_writes_events(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "1")
    emit("summary")
    monkeypatch.setenv("RANK", "0")
    emit("summary", rows=1)
    assert capsys.readouterr().out == '{"event": "summary", "rows": 1}\n'


def test_a_number_that_json_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        emit("step", loss=float("nan"))
