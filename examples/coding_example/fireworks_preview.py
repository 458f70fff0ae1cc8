"""Step 2: the reward, run by the evaluator preview, gives the scores it gives here.

Proves that the evaluator to deploy is the reward that trains: its own source is bundled and sent, sandbox
included, with right and wrong programs, and one row that is scored differently there and here fails the step.

    FIREWORKS_API_KEY=... FIREWORKS_ACCOUNT_ID=... python examples/coding_example/fireworks_preview.py
    TEST_MOCK_FIREWORKS_PREVIEW=1 python examples/coding_example/fireworks_preview.py
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("preview", __file__, __doc__)
