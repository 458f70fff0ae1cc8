"""How these commands end: 2 and one line for a mistake, 0 when a person stops them."""

import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from proving_ground.errors import CannotRunError
from proving_ground.events import say


def run(main: Callable[[Sequence[str]], None], argv: Sequence[str] | None = None) -> NoReturn:
    """Run ``main`` with the command line's words and exit."""
    try:
        main(sys.argv[1:] if argv is None else argv)
    except CannotRunError as error:
        say(f"error: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        say("stopped")
    sys.exit(0)
