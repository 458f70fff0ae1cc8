"""Step 1: every right call scores 1.0, and each of up to twelve mutations of it 0.0.

Proves that the reward cannot be had with a call that is nearly right: an argument dropped, added, renamed, of
another value or type, another tool, a call too many or too few, a broken block beside a good one.

    python examples/function_calling_example/local_eval.py
    python examples/function_calling_example/local_eval.py --limit 10
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("local_eval", __file__, __doc__)
