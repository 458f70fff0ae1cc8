"""Step 4: GRPO with the math reward through ``GRPOTrainer.train()``.

Claim: the policy that comes out answers held-out problems better than the one that went in, by at least the
margin of config.json (pass@1 by sampling, paired bootstrap interval), and no health check fired on the way.
"""

from common.stages import train
from task import TASK

if __name__ == "__main__":
    train.STAGE.main(TASK, __doc__)
