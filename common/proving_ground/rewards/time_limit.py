"""A time limit for a function that nobody wrote with one in mind.

In the main thread the function runs where it is called, because signals (``signal.alarm``, which math-verify
uses) work only there, and is interrupted by SIGURG: by default it is ignored, so one that comes late does
nothing; nobody but debuggers of sockets uses it; and unlike SIGINT no shell starts a program without it. In
any other thread Python cannot interrupt a sleep, so the function gets a thread of its own, which is left
behind when its time is up.

Not covered: code that never returns to the interpreter (a giant power of integers) ends when it ends.
"""

import cProfile
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

AGAIN = 0.1
"""Seconds after which a function that has swallowed the interrupt gets another one."""


class TimeUp(BaseException):
    """Raised inside of a function whose time is up. No ``Exception``: its handlers should let it through."""


def call_within(seconds: float | None, function: Callable[[], T]) -> T:
    """``function()``; raises ``TimeUp`` when it has not ended after ``seconds`` (``None``: no limit)."""
    if seconds is None:
        return function()
    if threading.current_thread() is threading.main_thread():
        return _interrupted(seconds, function)
    return _left_behind(seconds, function)


class _Limit:
    """Sends the main thread SIGURG from the time on when it is up until it is told to stop."""

    def __init__(self, seconds: float) -> None:
        self.sent = 0
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._run, args=(seconds,), daemon=True)

    def start(self) -> None:
        self._watch.start()

    def stop(self) -> None:
        self._over.set()
        self._watch.join()

    def _run(self, seconds: float) -> None:
        while not self._over.wait(AGAIN if self.sent else seconds):
            self.sent += 1
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGURG)


def _interrupted(seconds: float, function: Callable[[], T]) -> T:
    limit = _Limit(seconds)
    profiling, tracing = sys.getprofile(), sys.gettrace()
    handler = signal.signal(signal.SIGURG, _on_signal)
    limit.start()
    try:
        value = _watched(limit, function)
    finally:
        # Nothing interrupts this: the handler raises only where _watched is running.
        if limit.sent > 1:  # it has taken both hooks
            sys.settrace(tracing)
            sys.setprofile(profiling if callable(profiling) else None)
            if isinstance(profiling, cProfile.Profile):  # which is no function that Python takes back
                profiling.enable()
        limit.stop()
        signal.signal(signal.SIGURG, handler)
    if limit.sent:  # what came back is what it made of the interrupt
        raise TimeUp
    return value


def _watched(limit: _Limit, function: Callable[[], T]) -> T:
    """The frame by which the handler knows that ``function`` is running, and whose time is up."""
    return function()


def _on_signal(number: int, frame: FrameType | None) -> None:
    limit, running = _running(frame)
    if limit is None:
        return  # it comes late: the function has ended
    if limit.sent > 1:
        # The first one was caught. From now on the next line of any frame raises as well: that is in the
        # handler or the loop that caught it, and leaves them. A raise ends tracing, the profiler resumes it.
        _trace(running)
        sys.setprofile(_trace_callers)
    raise TimeUp


def _running(frame: FrameType | None) -> tuple[_Limit | None, list[FrameType]]:
    """The limit that is up, and the frames below it; none where no limit that is up is being watched."""
    below: list[FrameType] = []
    while frame is not None:
        if frame.f_code is _watched.__code__ and (limit := frame.f_locals["limit"]).sent:
            return limit, below
        below.append(frame)
        frame = frame.f_back
    return None, []


def _trace(frames: list[FrameType]) -> None:
    for frame in frames:
        if frame.f_code.co_filename != __file__:
            frame.f_trace = _raise_at_line
    sys.settrace(_raise_at_line)


def _raise_at_line(frame: FrameType, event: str, argument: Any) -> Any:
    if frame.f_code.co_filename == __file__:
        return None
    if event == "line":
        raise TimeUp
    return _raise_at_line


def _trace_callers(frame: FrameType, event: str, argument: Any) -> None:
    if event == "return":
        _trace(_running(frame.f_back)[1])


def _left_behind(seconds: float, function: Callable[[], T]) -> T:
    ended: list[Callable[[], T]] = []

    def run() -> None:
        try:
            value = function()
        except BaseException as error:  # noqa: BLE001 - handed on to the caller
            failure = error
            ended.append(lambda: _raise(failure))
        else:
            ended.append(lambda: value)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not ended:
        raise TimeUp
    return ended[0]()


def _raise(error: BaseException) -> Any:
    raise error
