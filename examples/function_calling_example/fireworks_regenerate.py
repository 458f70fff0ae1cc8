"""Step 3: a hosted model is offered the tools of each row, and the reward scores the calls it makes.

Proves that calls are read in the form the API really returns them (``tool_calls`` with arguments as a JSON
string) and in the text forms, that a reply in words counts where no tool fits, and only there.

    FIREWORKS_API_KEY=... python examples/function_calling_example/fireworks_regenerate.py --limit 20
    TEST_MOCK_FIREWORKS_REGEN=1 python examples/function_calling_example/fireworks_regenerate.py --limit 20
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("regenerate", __file__, __doc__)
