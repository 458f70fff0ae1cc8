"""Step 1: a right number with a right program scores 1.0, and answers wrong in both parts 0.0.

Proves that each reference program passes its tests in the sandbox and each number is verified, and that
neither part pays for an answer that only looks like one (no fence, no box, a fence or box left open).

    python examples/composite_example/local_eval.py
    python examples/composite_example/local_eval.py --limit 10
"""

from common.stages import local_eval
from task import TASK

if __name__ == "__main__":
    local_eval.STAGE.main(TASK, __doc__)
