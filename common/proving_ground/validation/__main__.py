"""``python -m proving_ground.validation``: the same as ``proving-ground prove``."""

import sys

from proving_ground.validation.command import main

if __name__ == "__main__":
    sys.exit(main())
