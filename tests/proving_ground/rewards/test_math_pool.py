r"""The worker processes: what a hostile completion can do (lose its own reward) and what it cannot."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from proving_ground.errors import InfrastructureError
from proving_ground.rewards import math_reward
from proving_ground.rewards.math import answers_equal, is_parseable_answer
from proving_ground.rewards.math import pool as pool_module
from proving_ground.rewards.math.pool import (
    Allowance,
    BadGoldError,
    Pool,
    TooCostlyError,
    WorkerLostError,
    shared_pool,
)

ROOT = Path(__file__).resolve().parents[3]
GOLD, RIGHT, WRONG = r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt{2}}", r"\frac{1}{\sqrt{3}}"
ENDLESS = r"\prod_{k=1}^{1000000000} k"
STUCK = r"\alpha + 1"

# The real worker with a short CPU limit, and one answer on which it never comes back from a C call.
IMPATIENT_WORKER = r"""
import itertools
from proving_ground.rewards.math import worker

real = worker._compare

def compare(gold, answer):
    if answer == r"\alpha + 1":
        sum(itertools.repeat(1))  # endless, and blind to Python signal handlers
    return real(gold, answer)

worker._compare = compare
worker.CPU_SECONDS = 0.5
worker.main()
"""

# The real worker, which dies of every question while a file exists.
DEADLY_WORKER = r"""
import os
from proving_ground.rewards.math import worker

real, self_test = worker._compare, worker.self_test

def compare(gold, answer):
    if os.path.exists({switch!r}):
        os.kill(os.getpid(), 9)
    return real(gold, answer)

def start():
    self_test()
    worker._compare = compare

worker.self_test = start
worker.main()
"""

HOSTILE = {
    "tower": r"\boxed{9^{9^{9^{9}}}}",
    "factorial": r"\boxed{(10^9)!}",
    "nested factorial": r"\boxed{((9!)!)!}",
    "long text": "x" * 100_000 + r"\boxed{" + "x" * 100_000 + "}",
    "giant integer": r"\boxed{" + "1" * 100_000 + "}",
    "giant decimal": r"\boxed{0." + "1" * 100_000 + "}",
    "giant exponent": r"\boxed{1e999999999}",
    "nested braces": r"\boxed{" + "{" * 10_000 + "1" + "}" * 10_000 + "}",
    "nested brackets": r"\boxed{" + "(" * 900 + "1" + ")" * 900 + "}",
    "nested fractions": r"\boxed{" + r"\frac{1}{" * 200 + "1" + "}" * 200 + "}",
    "unclosed boxes": r"\boxed{" * 10_000,
    "unclosed thoughts": "<think>" * 20_000 + r"\boxed{7}",
    "many answers": "#### " * 20_000 + "the answer is " * 5_000,
    "many commas": r"\boxed{" + "1," * 900 + "1}",
    "many equals": r"\boxed{" + "1=" * 900 + "1}",
    "many words": r"\boxed{1 " + "aa " * 600 + "}",
    "many spaces": r"\boxed{x" + " " * 1900 + "!}",
    "many dollars": r"\boxed{" + "$" * 1900 + "}",
    "null byte": "\\boxed{7\x00}",
    "lone surrogate": "\\boxed{7\ud800}",
    "arabic digits": r"\boxed{٧}",
    "fullwidth digits": r"\boxed{７}",
    "json": r'\boxed{"}\n{"status": "equal"}',
    "code": r"\boxed{__import__('os').system('touch /tmp/owned')}",
}


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The shared pool, exchanged for one of impatient workers."""
    (tmp_path / "impatient_worker.py").write_text(IMPATIENT_WORKER)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(pool_module, "_WORKER_MODULE", "impatient_worker")
    monkeypatch.setattr(pool_module._Shared, "pool", Pool(size=1))
    yield
    shared_pool().close()


@pytest.fixture
def pool() -> Iterator[Pool]:
    workers = Pool(size=1)
    yield workers
    workers.close()


def test_hostile_completions_score_zero_and_leave_the_other_rows_alone() -> None:
    completions, golds, expected = [], [], []
    for hostile in HOSTILE.values():
        for gold, good in (("7", r"\boxed{7}"), (GOLD, rf"\boxed{{{RIGHT}}}")):
            completions += [good, hostile]
            golds += [gold, gold]
            expected += [1.0, 0.0]
    assert math_reward(completions, golds) == expected


def test_endless_computation_costs_only_its_own_row(impatient: None) -> None:
    completions = [RIGHT, ENDLESS, WRONG, STUCK, RIGHT]
    scores = math_reward([rf"\boxed{{{text}}}" for text in completions], [GOLD] * 5)
    assert scores == [1.0, 0.0, 0.0, 0.0, 1.0]


def test_worker_survives_an_interruptible_timeout_and_is_replaced_after_another(impatient: None) -> None:
    pool = shared_pool()
    assert Allowance(pool).equal(GOLD, RIGHT)
    (first,) = pool.pids()
    with pytest.raises(TooCostlyError):
        Allowance(pool).equal(GOLD, ENDLESS)
    assert pool.pids() == [first]
    with pytest.raises(TooCostlyError):
        Allowance(pool).equal(GOLD, STUCK)
    (second,) = pool.pids()
    assert second != first
    assert Allowance(pool).equal(GOLD, r"\sqrt{\frac{1}{2}}")


def test_worker_over_the_wall_deadline_is_killed_and_the_question_asked_again(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Allowance(pool).equal(GOLD, RIGHT)
    (first,) = pool.pids()
    os.kill(first, signal.SIGSTOP)
    monkeypatch.setattr(pool_module, "WALL_SECONDS", 5)
    assert not Allowance(pool).equal(GOLD, WRONG)
    assert pool.pids() != [first]
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


def test_a_lost_worker_costs_no_verdict(pool: Pool) -> None:
    assert Allowance(pool).equal(GOLD, RIGHT)
    os.kill(pool.pids()[0], signal.SIGKILL)
    assert not Allowance(pool).equal(GOLD, WRONG)
    os.kill(pool.pids()[0], signal.SIGKILL)
    assert Allowance(pool).equal(GOLD, r"\frac{2}{2\sqrt{2}}")
    os.kill(pool.pids()[0], signal.SIGKILL)
    Allowance(pool).check(r"\sqrt{2} + 1")


@pytest.fixture
def deadly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The shared pool, exchanged for one whose workers die of every question while a file exists."""
    switch = tmp_path / "die"
    (tmp_path / "deadly_worker.py").write_text(DEADLY_WORKER.format(switch=str(switch)))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(pool_module, "_WORKER_MODULE", "deadly_worker")
    monkeypatch.setattr(pool_module._Shared, "pool", Pool(size=1))
    yield switch
    shared_pool().close()


def test_workers_that_keep_dying_give_none_and_the_death_is_not_kept(
    deadly: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "ATTEMPTS", 1)  # starting workers is what takes time here
    logged: list[tuple[str, float]] = []
    completions = [rf"\boxed{{{text}}}" for text in (RIGHT, "7", WRONG)]
    golds = [GOLD, "7", GOLD]
    assert math_reward(completions, golds) == [1.0, 1.0, 0.0]
    fresh = [rf"\boxed{{{text}+0}}" for text in (RIGHT, "7", WRONG)]
    deadly.touch()
    scores = math_reward(
        [fresh[0], completions[1], fresh[2]], golds, log_metric=lambda *pair: logged.append(pair)
    )
    assert scores == [None, 1.0, None]
    assert logged == [("failed/worker_lost", 2.0)]
    with pytest.raises(InfrastructureError, match="lost"):
        answers_equal(GOLD, f"{RIGHT}+0")
    with pytest.raises(InfrastructureError, match="lost"):
        is_parseable_answer(r"\sqrt{3} + \sqrt{5}")
    deadly.unlink()
    logged.clear()
    scores = math_reward(
        [fresh[0], completions[1], fresh[2]], golds, log_metric=lambda *pair: logged.append(pair)
    )
    assert scores == [1.0, 1.0, 0.0]
    assert logged == []
    assert is_parseable_answer(r"\sqrt{3} + \sqrt{5}")


def test_a_question_is_put_to_a_few_workers_only(deadly: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    start = Pool._start
    monkeypatch.setattr(Pool, "_start", lambda self: started.append(1) or start(self))
    deadly.touch()
    with pytest.raises(WorkerLostError, match="3 workers in a row: died"):
        Allowance(shared_pool()).equal(GOLD, WRONG)
    assert len(started) == pool_module.ATTEMPTS + 1


def test_the_time_of_a_completion_is_bounded_not_that_of_a_comparison(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    class Slow(Pool):
        def __init__(self) -> None:
            self.size = 1

        def reply(self, gold: str, answer: str | None) -> dict[str, object]:
            asked.append(gold)
            return {"status": "equal", "cpu": pool_module.COMPLETION_SECONDS / 4}

    monkeypatch.setattr(pool_module._Shared, "pool", Slow())
    monkeypatch.setattr(Slow, "close", lambda self: None)
    roots = [rf"\sqrt{{{number}}}" for number in (2, 3, 5, 7, 11, 13, 17, 19)]
    chain = "x = " + " = ".join(f"{root} + 0" for root in [roots[0]] * 8)
    assert math_reward([rf"\boxed{{{chain}}}"], [roots[0]]) == [0.0]
    assert len(asked) == 1 + 4
    asked.clear()
    with pytest.raises(InfrastructureError, match="too costly"):
        math_reward([r"\boxed{7}"], [r"\{" + ", ".join(roots) + r"\}"])
    assert len(asked) == 4


def test_bad_gold_is_told_from_a_wrong_answer(impatient: None) -> None:
    pool = shared_pool()
    Allowance(pool).check(GOLD)
    for gold in ("2x+", ENDLESS, r"\cos(2^{x^{9}})"):
        with pytest.raises(BadGoldError):
            Allowance(pool).check(gold)


@pytest.mark.parametrize(
    ("gold", "why"), [(r"9^{9^{9^{9}}}", "power too large"), ("(10^9)!", "factorial too large")]
)
def test_giants_are_refused_before_they_are_computed(gold: str, why: str) -> None:
    with pytest.raises(BadGoldError, match=why):
        Allowance(shared_pool()).check(gold)


@pytest.mark.parametrize("executable", ["/nonexistent/python", "/bin/false"])
def test_worker_that_cannot_start_is_not_a_wrong_answer(
    executable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module._Shared, "pool", Pool(size=1))
    monkeypatch.setattr(sys, "executable", executable)
    with pytest.raises(InfrastructureError, match="math verifier"):
        math_reward([rf"\boxed{{{RIGHT}}}"], [GOLD])
    assert math_reward([r"\boxed{7}"], ["7"]) == [1.0]


def test_worker_without_math_verify_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "_WORKER_MODULE", "proving_ground.rewards.math.no_such_worker")
    with pytest.raises(InfrastructureError, match="no_such_worker"):
        Allowance(Pool(size=1)).check(GOLD)


def test_replacement_that_cannot_start_raises(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Allowance(pool).equal(GOLD, RIGHT)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    os.kill(pool.pids()[0], signal.SIGKILL)
    with pytest.raises(InfrastructureError):
        Allowance(pool).equal(GOLD, WRONG)


def test_many_threads_at_once() -> None:
    results: list[list[float | None]] = []

    def score() -> None:
        results.append(
            math_reward([rf"\boxed{{{RIGHT}+0}}", rf"\boxed{{{WRONG}}}", r"\boxed{1}"], [GOLD, GOLD, "1"])
        )

    threads = [threading.Thread(target=score) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[1.0, 0.0, 1.0]] * 8
    assert len(shared_pool().pids()) <= shared_pool().size


def test_forked_child_starts_workers_of_its_own_and_leaves_the_parents_alone() -> None:
    assert math_reward([rf"\boxed{{{RIGHT}}}"], [GOLD]) == [1.0]
    before = shared_pool().pids()
    child = os.fork()
    if child == 0:
        scores = math_reward([rf"\boxed{{{RIGHT}-0}}", rf"\boxed{{{WRONG}}}"], [GOLD, GOLD])
        own = shared_pool().pids()
        shared_pool().close()
        os._exit(0 if scores == [1.0, 0.0] and own and not set(own) & set(before) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert math_reward([rf"\boxed{{1+{WRONG}}}"], [GOLD]) == [0.0]
    assert set(before) <= set(shared_pool().pids())


def _start_script(code: str, **environment: str) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(ROOT / "common"), *filter(None, sys.path)])
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, **environment},
    )


START_A_WORKER = f"""
import os, signal
from proving_ground.rewards import math_reward
from proving_ground.rewards.math.pool import shared_pool
assert math_reward([r"\\boxed{{{RIGHT}}}"], [r"{GOLD}"]) == [1.0]
(pid,) = shared_pool().pids()
"""


def _wait_until_gone(pid: int) -> bool:
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True  # dead; whoever adopted it has yet to collect it
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("end", ["", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_no_worker_outlives_its_parent(end: str) -> None:
    script = _start_script(START_A_WORKER + "print(pid, flush=True)\n" + end)
    output, _ = script.communicate(timeout=60)
    assert _wait_until_gone(int(output))


def test_workers_get_no_secrets() -> None:
    show = "print(open(f'/proc/{pid}/environ').read().replace(chr(0), ' '))"
    script = _start_script(
        START_A_WORKER + show, FIREWORKS_API_KEY="fw-secret", HOME="/root", VIRTUAL_ENV="/env"
    )
    output, _ = script.communicate(timeout=60)
    assert script.returncode == 0
    names = {entry.partition("=")[0] for entry in output.split()}
    assert names <= {"PATH", "PYTHONPATH", "LANG", "VIRTUAL_ENV", "LC_CTYPE"}
    assert "fw-secret" not in output
