"""Step 1: every reference answer scores 1.0 under the reward, and every wrong answer 0.0.

Proves that the reward can tell: an answer key that scores less than 1.0 would train against the truth,
and a reward that also pays for a changed number, a missing box or an empty answer would train nothing.

    python examples/math_example/local_eval.py
    python examples/math_example/local_eval.py --limit 10
"""

from common.stages import local_eval
from task import TASK

if __name__ == "__main__":
    local_eval.STAGE.main(TASK, __doc__)
