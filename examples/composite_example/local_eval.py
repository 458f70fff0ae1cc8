"""Step 1: a right number with a right program scores 1.0, and answers wrong in both parts 0.0.

Proves that each reference program passes its tests in the sandbox and each number is verified, and that
neither part pays for an answer that only looks like one (no fence, no box, a fence or box left open).

    python examples/composite_example/local_eval.py
    python examples/composite_example/local_eval.py --limit 10
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("local_eval", __file__, __doc__)
