"""Step 3: a hosted model answers the prompts anew, and both parts score what it really writes.

Proves that the prompt asks for both parts in the form that the rewards want: a model that forgets the box
or the fence earns half, and the pass rate shows it before a GPU is spent.

    FIREWORKS_API_KEY=... python examples/composite_example/fireworks_regenerate.py --limit 20
    TEST_MOCK_FIREWORKS_REGEN=1 python examples/composite_example/fireworks_regenerate.py --limit 20
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("regenerate", __file__, __doc__)
