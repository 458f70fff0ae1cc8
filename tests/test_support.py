"""The tests' own checkers can fail: bad logs, and a network that is not blocked."""

import json
import subprocess
from typing import Any

import pytest

from tests.benchmarks import table
from tests.support import offline
from tests.support.training_log import check_steps

STEP = {"event": "train_step", "loss": 0.1, "reward": 0.5, "reward_std": 0.2, "grad_norm": 1.0}
STEP |= {"frac_reward_zero_std": 0.5}


def log(*steps: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    lines = [json.dumps({**STEP, "step": number, **step}) for number, step in enumerate(steps, 1)]
    return subprocess.CompletedProcess([], 0, stdout="\n".join(lines))


def test_a_good_log() -> None:
    assert len(check_steps(log({}, {}), 2)) == 2
    assert len(check_steps(log({"grad_norm": 0.0}, {}), 2)) == 2


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    "bad",
    [
        {"loss": float("nan")},
        {"reward": float("inf")},
        {"reward": 1.1},
        {"reward": None},
        {"reward_std": -0.1},
        {"grad_norm": -1.0},
        {"frac_reward_zero_std": 2.0},
        {"step": 7},
        {"event": "else"},
    ],
)
def test_one_bad_step_is_enough_wherever_it_stands(bad: dict[str, Any], place: int) -> None:
    steps: list[dict[str, Any]] = [{}, {}, {}]
    steps[place] = bad
    with pytest.raises(AssertionError):
        check_steps(log(*steps), 3)


def test_a_log_in_which_nothing_can_be_learned() -> None:
    with pytest.raises(AssertionError):
        check_steps(log({"grad_norm": 0.0}, {"frac_reward_zero_std": 1.0}), 2)
    with pytest.raises(AssertionError):
        check_steps(log({}), 2)


PROBES = {
    "TCP over IPv4": "socket.create_connection(('127.0.0.1', {port}))",
    "connect_ex": "socket.socket().connect_ex(('127.0.0.1', {port})) and no_error()",
    "UDP over IPv4": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))",
    "UDP over IPv6": "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b'x', ('::1', {port}))",
    "TCP over IPv6": "socket.socket(socket.AF_INET6).connect(('::1', {port}))",
    "a message": "socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('127.0.0.1', {port}))",
}


@pytest.mark.parametrize("probe", PROBES)
def test_the_guard_blocks_where_no_namespace_can_be_made(probe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "namespace_prefix", lambda: ())
    ended = offline.python_offline("-c", f"import socket; {PROBES[probe].format(port=9)}")
    assert ended.returncode == 1 and "the network is blocked in this test" in ended.stderr


def test_the_guard_lets_sockets_of_this_machine_s_files_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "namespace_prefix", lambda: ())
    code = "import socket; a, b = socket.socketpair(); a.sendmsg([b'x']); print(b.recv(1).decode())"
    assert offline.python_offline("-c", code).stdout == "x\n"


def bench_row(what: str, low: float, ratio: float, high: float) -> dict[str, object]:
    return {"what": what, "peer": "bare TRL", "unit": "ms", "theirs": 1.0, "ours": ratio} | {
        "ratio": ratio,
        "low": low,
        "high": high,
    }


def test_what_got_slower_than_noise_is_said() -> None:
    """The committed page is read again: what lies above its interval as a whole is slower, nothing else."""
    committed = table.markdown([bench_row("a", 0.9, 1.0, 1.1), bench_row("b", 0.9, 1.0, 1.1)], "here")
    now = [bench_row("a", 1.09, 1.2, 1.3), bench_row("b", 1.11, 1.2, 1.3), bench_row("new", 8.0, 9.0, 10.0)]
    (line,) = table.slower(now, committed)
    assert line.startswith("b: 1.200 times bare TRL (1.110 to 1.300), was at most 1.1")
    # A page that is written after a part of them keeps the others.
    page = table.markdown(now[:1], "there", committed)
    assert (
        "| 1.200 | 1.090 to 1.300 | there |" in page and page.count("| 1.000 | 0.900 to 1.100 | here |") == 1
    )


def test_a_ratio_is_of_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    """The machine slows down tenfold on the way: each pair has seen the same."""
    table.row("x", "y", [1.0, 2.0, 10.0, 4.0], [1.1, 2.2, 11.0, 4.4], "ms")
    row = json.loads(capsys.readouterr().out)
    assert row["low"] == row["ratio"] == row["high"] == pytest.approx(1.1)
