"""Step 1: every right call scores 1.0, and each of up to twelve mutations of it 0.0.

Proves that the reward cannot be had with a call that is nearly right: an argument dropped, added, renamed, of
another value or type, another tool, a call too many or too few, a broken block beside a good one.

    python examples/function_calling_example/local_eval.py
    python examples/function_calling_example/local_eval.py --limit 10
"""

from common.stages import local_eval
from task import TASK

if __name__ == "__main__":
    local_eval.STAGE.main(TASK, __doc__)
