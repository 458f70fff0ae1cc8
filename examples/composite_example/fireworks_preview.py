"""Step 2: the hosted evaluator combines both parts as the reward here does.

Proves that a reward made of several travels whole: math, code, the sandbox under it and the weights are
bundled and sent with right and wrong answers, and every score must be the one computed here.

    export FIREWORKS_API_KEY=... FIREWORKS_ACCOUNT_ID=...
    python examples/composite_example/fireworks_preview.py
    TEST_MOCK_FIREWORKS_PREVIEW=1 python examples/composite_example/fireworks_preview.py
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("preview", __file__, __doc__)
