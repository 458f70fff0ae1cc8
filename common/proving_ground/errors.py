"""The two ways a run ends badly, kept apart because they mean different things to a user.

``CannotRunError`` (exit code 2): bad input, configuration, switch, key, service or dependency.
Its text is one line: what is wrong, where (``file:line`` for data), what to do.

``ClaimError`` (exit code 1): everything ran, and what the stage claims does not hold.

A third kind of failure is neither: a bug. It keeps its traceback.
"""

import difflib
from collections.abc import Iterable


class CannotRunError(Exception):
    """The stage could not run. ``str(error)`` is the one line the user reads."""


class ClaimError(Exception):
    """The stage ran and its claim does not hold. ``str(error)`` says which claim and the evidence."""


class InfrastructureError(CannotRunError):
    """A verifier, sandbox or service broke. Never a score of 0: whoever scores must let it through."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question that names what is near to ``word``, to be shown in an error; empty where nothing is."""
    near = difflib.get_close_matches(word, [*known], n=2)
    return f"did you mean {' or '.join(near)}?" if near else ""
