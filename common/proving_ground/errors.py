"""The two ways a run ends badly, kept apart because they mean different things to a user.

``CannotRunError`` (exit code 2): bad input, configuration, switch, key, service or dependency.
Its text is one line: what is wrong, where (``file:line`` for data), what to do.

``ClaimError`` (exit code 1): everything ran, and what the stage claims does not hold.

A third kind of failure is neither: a bug. It keeps its traceback.
"""


class CannotRunError(Exception):
    """The stage could not run. ``str(error)`` is the one line the user reads."""


class ClaimError(Exception):
    """The stage ran and its claim does not hold. ``str(error)`` says which claim and the evidence."""


class InfrastructureError(CannotRunError):
    """A verifier, sandbox or service broke. Never a score of 0: whoever scores must let it through."""
