"""Step 4: GRPO with the math reward through ``GRPOTrainer.train()``.

Claim: the policy that comes out answers held-out problems better than the one that went in, by at least the
margin of config.json (pass@1 by sampling, paired bootstrap interval), and no health check fired on the way.
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("train", __file__, __doc__)
