"""Step 0: rows with a problem, a number, a program and its tests become the three data files.

Proves that every row is accounted for, that each kept row has tests which no constant passes and a number
that agrees with them, that the kept rows cover every kind of problem, and that preparing again gives the
same bytes (--check).

    python examples/composite_example/prepare_data.py
    python examples/composite_example/prepare_data.py --check
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("prepare", __file__, __doc__)
