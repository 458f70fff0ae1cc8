"""What can go wrong between a step and the API, and what then happens: the table of docs/faults.md.

Three rows are asked one after the other, and the fault meets the second request, so that something is done
before it and something is left after it.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """One fault and what must come of it.

    Attributes:
        fault: what is scripted for the second request.
        client: what the client does (the documentation's words).
        posts: requests that a run of three rows sends in all.
        says: for a run that ends with exit code 2, words of its one line.
        at_least, at_most: seconds that the run takes.
    """

    name: str
    fault: dict[str, Any]
    client: str
    posts: int
    says: str = ""
    options: tuple[str, ...] = ()
    at_least: float = 0.0
    at_most: float = 8.0

    @property
    def ending(self) -> str:
        return "exit 2, answers kept" if self.says else "exit 0"


AGAIN = "asks again after 0.5 s, then 1, 2, 4, 8 s (each with jitter)"
STOPS = "asks nothing more, awaits what is in flight"
SHORT = ("--fireworks.deadline_seconds", "2")
PAST = "gives the row up at its deadline, asks nothing more"

CASES = [
    Case(
        "429 with Retry-After",
        {"fault": "status", "status": 429, "retry_after": "2"},
        "waits as long as it says (a minute at most), then asks again",
        posts=4,
        at_least=2.0,
    ),
    Case("429 without Retry-After", {"fault": "status", "status": 429}, AGAIN, posts=4, at_least=0.5),
    Case("500", {"fault": "status", "status": 500}, AGAIN, posts=4, at_least=0.5),
    Case("503", {"fault": "status", "status": 503}, AGAIN, posts=4, at_least=0.5),
    Case("connection reset before the answer", {"fault": "reset_before"}, AGAIN, posts=4, at_least=0.5),
    Case("connection reset in the middle of it", {"fault": "reset_middle"}, AGAIN, posts=4, at_least=0.5),
    Case("answer cut short (not whole JSON)", {"fault": "truncated_json"}, AGAIN, posts=4, at_least=0.5),
    Case(
        "200 with an error inside",
        {"fault": "error_in_200", "code": 503},
        "treats it as the status that it names, 500 if it names none",
        posts=4,
        at_least=0.5,
    ),
    Case(
        "first byte late",
        {"fault": "slow_first_byte", "seconds": 1.5},
        "waits: asking again would pay twice",
        posts=3,
        options=("--fireworks.deadline_seconds", "5"),
        at_least=1.5,
    ),
    Case(
        "first byte after the deadline",
        {"fault": "slow_first_byte", "seconds": 30},
        PAST,
        posts=2,
        says="no whole answer within 2 s",
        options=SHORT,
        at_least=2.0,
        at_most=4.0,
    ),
    Case(
        "body in drops",
        {"fault": "slow_body", "seconds": 1.5},
        "reads on",
        posts=3,
        options=("--fireworks.deadline_seconds", "5"),
        at_least=1.4,
    ),
    Case(
        "body in drops until after the deadline",
        {"fault": "slow_body", "seconds": 30},
        PAST,
        posts=2,
        says="no whole answer within 2 s",
        options=SHORT,
        at_least=2.0,
        at_most=4.0,
    ),
    Case(
        "body that stops half way, connection open",
        {"fault": "stalled_body", "seconds": 30},
        PAST,
        posts=2,
        says="no whole answer within 2 s",
        options=SHORT,
        at_least=2.0,
        at_most=4.0,
    ),
    Case(
        "200 with another schema",
        {"fault": "wrong_schema"},
        STOPS,
        posts=2,
        says="answered 200 without a completion",
    ),
    Case(
        "401, key rejected",
        {"fault": "status", "status": 401},
        STOPS,
        posts=2,
        says="check FIREWORKS_API_KEY",
    ),
    Case(
        "412, account suspended",
        {"fault": "status", "status": 412},
        STOPS,
        posts=2,
        says="the account is suspended",
    ),
    Case(
        "400, 413 or 422, one row refused",
        {"fault": "status", "status": 400},
        "leaves this row out, asks for the others",
        posts=3,
        says="1 of 3 rows failed",
    ),
]
