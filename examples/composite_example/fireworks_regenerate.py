"""Step 3: a hosted model answers the prompts anew, and both parts score what it really writes.

Proves that the prompt asks for both parts in the form that the rewards want: a model that forgets the box
or the fence earns half, and the pass rate shows it before a GPU is spent.

    FIREWORKS_API_KEY=... python examples/composite_example/fireworks_regenerate.py --limit 20
    TEST_MOCK_FIREWORKS_REGEN=1 python examples/composite_example/fireworks_regenerate.py --limit 20
"""

from common.stages import regenerate
from task import TASK

if __name__ == "__main__":
    regenerate.STAGE.main(TASK, __doc__)
