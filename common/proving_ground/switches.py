"""Environment switches: one registry, read strictly.

A switch is on with ``1/true/yes/on``, off with ``0/false/no/off`` or when unset; anything else is an
error, because a misspelt switch that counts as "off" sends a test's traffic to the real API.

To mock another API, add one entry here and write the function it names (see ``mocks/README.md``).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from proving_ground.errors import CannotRunError, did_you_mean

PREFIXES = ("TEST_MOCK_", "TEST_MODE_")
_ON = frozenset({"1", "true", "yes", "on"})
_OFF = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True)
class Switch:
    """One environment variable and what it turns on.

    ``mock`` names the function that registers the `responses` callbacks (``module:function``); a
    switch that mocks nothing has none.
    """

    name: str
    help: str
    mock: str | None = None


SWITCHES: Mapping[str, Switch] = {
    switch.name: switch
    for switch in (
        Switch(
            "TEST_MODE_TRL",
            "training does exactly one optimisation step, on the CPU, with the embedded policy",
        ),
        Switch(
            "TEST_MOCK_FIREWORKS_PREVIEW",
            "the evaluator-preview API is answered in process, by running the posted evaluator's reward",
            mock="proving_ground.mocks.fireworks_preview:register",
        ),
        Switch(
            "TEST_MOCK_FIREWORKS_REGEN",
            "the chat API is answered in process, from recordings keyed by the request body",
            mock="proving_ground.mocks.fireworks_chat:register",
        ),
        Switch(
            "TEST_MOCK_CODE_SANDBOX",
            "the code-sandbox API is answered in process, by running the program in the local sandbox",
            mock="proving_ground.mocks.code_sandbox:register",
        ),
    )
}


def is_on(name: str, environ: Mapping[str, str] | None = None) -> bool:
    """Whether the switch ``name`` is on.

    Raises ``KeyError`` for a switch that is not registered and ``CannotRunError`` for a value that is
    neither on nor off.
    """
    switch = SWITCHES[name]
    value = (os.environ if environ is None else environ).get(switch.name, "")
    word = value.strip().lower()
    if word in _ON:
        return True
    if word in _OFF:
        return False
    raise CannotRunError(
        f"{name}={value!r} is neither on (1, true, yes, on) nor off (0, false, no, off); correct it"
    )


def check_switches(environ: Mapping[str, str] | None = None) -> None:
    """Read every switch once, so that a misspelt value or name stops any stage, not only one that uses it.

    Raises ``CannotRunError`` for a variable that looks like a switch and is none.
    """
    environ = os.environ if environ is None else environ
    for name in environ:
        if name.startswith(PREFIXES) and name not in SWITCHES:
            meant = did_you_mean(name, SWITCHES) or f"there are {', '.join(SWITCHES)}"
            raise CannotRunError(f"{name} is no switch; {meant}")
    for name in SWITCHES:
        is_on(name, environ)
