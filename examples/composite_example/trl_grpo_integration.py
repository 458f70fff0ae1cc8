"""Step 4: GRPO with two reward functions, weighed by TRL's own ``reward_weights``.

Claim: the policy that comes out gets both parts of held-out problems right more often than the one that went
in, by at least the margin of config.json (pass@1 by sampling, paired bootstrap interval). The log has
``rewards/math/mean`` and ``rewards/code/mean`` beside ``reward``.

    python examples/composite_example/trl_grpo_integration.py
    TEST_MODE_TRL=1 python examples/composite_example/trl_grpo_integration.py
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("train", __file__, __doc__)
