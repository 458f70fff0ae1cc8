"""Step 4: GRPO with programs run in the sandbox as the reward, through ``GRPOTrainer.train()``.

Claim: the policy that comes out solves held-out problems more often than the one that went in, by at least
the margin of config.json (pass@1 by sampling, paired bootstrap interval), and no health check fired.
"""

from common.stages import train
from task import TASK

if __name__ == "__main__":
    train.STAGE.main(TASK, __doc__)
