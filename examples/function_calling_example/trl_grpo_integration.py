"""Step 4: GRPO with the function-call reward, each prompt with tools of its own.

Claim: the policy that comes out makes the right call on held-out requests more often than the one that went
in, by at least the margin of config.json (pass@1 by sampling, paired bootstrap interval). The tools of a row
reach the prompt through the chat template's ``tools`` argument.

    python examples/function_calling_example/trl_grpo_integration.py
    TEST_MODE_TRL=1 python examples/function_calling_example/trl_grpo_integration.py
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("train", __file__, __doc__)
