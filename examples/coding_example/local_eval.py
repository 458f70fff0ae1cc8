"""Step 1: every reference program passes all its tests, every wrong answer scores 0.0, and mistakes show.

Proves that the reward can tell, and that the tests can: each reference is given one small mistake (another
operator, off by one, another constant), and on at least 95 % of the rows every such program must fail.

    python examples/coding_example/local_eval.py
    TEST_MOCK_CODE_SANDBOX=1 python examples/coding_example/local_eval.py --limit 10 \\
        --sandbox.backend api --sandbox.base_url http://localhost:8080
"""

import sys

try:
    from proving_ground.cli import run_script
except ModuleNotFoundError as error:
    sys.stderr.write(f"error: {error}; `make dev` makes the environment: README.md\n")
    sys.exit(2)

if __name__ == "__main__":
    run_script("local_eval", __file__, __doc__)
