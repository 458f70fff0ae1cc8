"""Step 4: GRPO on OpenR1-shaped problems: answers are numbers, expressions, sets, intervals and text.

Claim: sampled on held-out problems of all these kinds, the trained policy is right more often than the one
that went in, by at least ``training.margin`` (paired bootstrap interval), and training stayed healthy.

    python examples/math_example_openr1/trl_grpo_integration.py
    TEST_MODE_TRL=1 python examples/math_example_openr1/trl_grpo_integration.py
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("train", __file__, __doc__)
