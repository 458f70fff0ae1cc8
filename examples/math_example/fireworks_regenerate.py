"""Step 3: a hosted model answers the prompts anew, and the reward scores what it really writes.

Proves that the prompt asks for what the reward wants, before a GPU is spent on it. A run that was
interrupted goes on where it stopped: no finished row is asked again, and the results are the same bytes.

    FIREWORKS_API_KEY=... python examples/math_example/fireworks_regenerate.py --limit 20 --concurrency 8
    TEST_MOCK_FIREWORKS_REGEN=1 python examples/math_example/fireworks_regenerate.py --limit 20
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("regenerate", __file__, __doc__)
