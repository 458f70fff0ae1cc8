"""The time limit holds for functions that do not want to end, wherever they are called."""

# ruff: noqa: BLE001, SIM105 - functions that swallow whatever comes are what this is about

import cProfile
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proving_ground.rewards.time_limit import TimeUp, call_within


def sleeps() -> None:
    time.sleep(60)


def sleeps_for(seconds: float) -> None:
    time.sleep(seconds)


def computes() -> None:
    while True:
        sum(range(100))


def swallows() -> None:
    while True:
        try:
            time.sleep(0.001)
        except BaseException:
            pass


def swallows_computing() -> None:
    while True:
        try:
            sum(range(1000))
        except BaseException:
            continue


def swallows_twice() -> None:
    while True:
        try:
            swallows()
        except BaseException:
            pass


def sleeps_again() -> None:
    try:
        time.sleep(60)
    except BaseException:
        time.sleep(60)


def answers_all_the_same() -> list[float]:
    try:
        time.sleep(60)
    except BaseException:
        pass
    return [0.0]


def run(program: str) -> subprocess.CompletedProcess[str]:
    """A Python program that can import this file."""
    command = [sys.executable, "-c", program]
    here = Path(__file__).parent
    return subprocess.run(command, cwd=here, capture_output=True, text=True, timeout=60, check=False)


ENDLESS = [sleeps, computes, swallows, swallows_computing, swallows_twice, sleeps_again, answers_all_the_same]


@pytest.mark.parametrize("endless", ENDLESS)
def test_it_ends_in_the_main_thread(endless: Callable[[], Any]) -> None:
    before = (
        signal.getsignal(signal.SIGURG),
        signal.getsignal(signal.SIGINT),
        sys.gettrace(),
        sys.getprofile(),
    )
    with pytest.raises(TimeUp):
        call_within(0.05, endless)
    assert before == (
        signal.getsignal(signal.SIGURG),
        signal.getsignal(signal.SIGINT),
        sys.gettrace(),
        sys.getprofile(),
    )


@pytest.mark.parametrize("endless", [sleeps, swallows])
def test_it_ends_in_another_thread(endless: Callable[[], Any]) -> None:
    program = f"""
import threading
from test_time_limit import {endless.__name__}
from proving_ground.rewards.time_limit import TimeUp, call_within

def call():
    try:
        call_within(0.05, {endless.__name__})
    except TimeUp:
        print("ended")

thread = threading.Thread(target=call)
thread.start()
thread.join()
"""
    done = run(program)
    assert (done.stdout, done.returncode) == ("ended\n", 0), done.stderr


def test_what_a_function_in_another_thread_raises_and_returns_arrives() -> None:
    seen: list[Any] = []

    def call() -> None:
        seen.append(call_within(60, lambda: 7))
        try:
            call_within(60, lambda: 1 // 0)
        except ZeroDivisionError as error:
            seen.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert seen[0] == 7 and isinstance(seen[1], ZeroDivisionError)


def test_it_holds_where_interrupts_are_ignored() -> None:
    """As after ``nohup``, ``&`` in a script, and under most schedulers."""
    program = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
from test_time_limit import sleeps
from proving_ground.rewards.contract import RewardContractError, checked

try:
    checked("mine", lambda completions, **columns: sleeps(), seconds=0.05)(completions=["a"])
except RewardContractError as error:
    print(error)
"""
    done = run(program)
    assert done.stdout.startswith("reward too slow: mine was still running after 0.05 s"), done.stderr


def test_a_timer_that_fires_at_the_very_end_leaks_nothing() -> None:
    """Neither TimeUp nor KeyboardInterrupt shows anywhere but as the result of the call."""
    ended = expired = 0
    seconds = 0.0004  # of the work; then as long as ends in time about half of the time on this machine
    for _ in range(400):
        try:
            call_within(0.0005, lambda: time.sleep(seconds))  # noqa: B023 (called at once)
            ended += 1
            seconds *= 1.05
        except TimeUp:
            expired += 1
            seconds /= 1.05
        for _ in range(20):
            pass  # where a late exception would come up
    assert ended and expired, "both happened"


def test_a_function_keeps_its_own_alarm() -> None:
    class AlarmError(Exception):
        pass

    def ring(number: int, frame: Any) -> None:
        raise AlarmError

    def own() -> str:
        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            time.sleep(60)
        except AlarmError:
            return "its own alarm"
        return "none"

    before = signal.getsignal(signal.SIGALRM)
    try:
        assert call_within(30, own) == "its own alarm"
        signal.setitimer(signal.ITIMER_REAL, 30)
        with pytest.raises(TimeUp):
            call_within(0.05, sleeps)
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0, "and the limit leaves it as it was"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_limit_within_a_limit() -> None:
    """The outer one ends the inner call, and the inner one ends alone."""
    with pytest.raises(TimeUp):
        call_within(0.05, lambda: call_within(60, swallows))

    def outer() -> str:
        try:
            call_within(0.05, swallows)
        except TimeUp:
            return "went on"
        return "never"

    assert call_within(60, outer) == "went on"


@pytest.mark.parametrize("endless", [answers_all_the_same, swallows])
def test_a_profiled_program_goes_on_being_profiled(endless: Callable[[], Any]) -> None:
    """``sys.getprofile`` gives cProfile's object, which ``sys.setprofile`` does not take back."""
    profile = cProfile.Profile()
    with profile:
        assert call_within(60, lambda: 5) == 5
        with pytest.raises(TimeUp):
            call_within(0.05, endless)
        sleeps_for(0)
    names = [entry.code.co_name for entry in profile.getstats() if not isinstance(entry.code, str)]
    assert "sleeps_for" in names
