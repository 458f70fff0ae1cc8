"""Step 1: every reference program passes all its tests, every wrong answer scores 0.0, and mistakes show.

Proves that the reward can tell, and that the tests can: each reference is given one small mistake (another
operator, off by one, another constant), and on at least 95 % of the rows every such program must fail.

    python examples/coding_example/local_eval.py
    TEST_MOCK_CODE_SANDBOX=1 python examples/coding_example/local_eval.py --limit 10 \\
        --sandbox.backend api --sandbox.base_url http://localhost:8080
"""

from common.stages import local_eval
from task import TASK

if __name__ == "__main__":
    local_eval.STAGE.main(TASK, __doc__)
