"""Step 2: the hosted evaluator judges tool calls as the reward here does.

Proves that the whole reward (parser, schema validation, comparison) travels: its modules are bundled and
sent with right and wrong calls and the tools of each row, and every score must be the one computed here.

    export FIREWORKS_API_KEY=... FIREWORKS_ACCOUNT_ID=...
    python examples/function_calling_example/fireworks_preview.py
    TEST_MOCK_FIREWORKS_PREVIEW=1 python examples/function_calling_example/fireworks_preview.py
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("preview", __file__, __doc__)
