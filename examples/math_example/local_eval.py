"""Step 1: every reference answer scores 1.0 under the reward, and every wrong answer 0.0.

Proves that the reward can tell: an answer key that scores less than 1.0 would train against the truth,
and a reward that also pays for a changed number, a missing box or an empty answer would train nothing.

    python examples/math_example/local_eval.py
    python examples/math_example/local_eval.py --limit 10
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("local_eval", __file__, __doc__)
