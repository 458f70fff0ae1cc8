"""The checks that need a policy: they take minutes."""

from collections.abc import Sequence

from proving_ground.validation.checks import Examination, Finding
from proving_ground.validation.inputs import Reward


def statistical_checks(
    examination: Examination, findings: Sequence[Finding], *, second: Reward | None = None
) -> list[Finding]:
    """Not run yet."""
    return []
