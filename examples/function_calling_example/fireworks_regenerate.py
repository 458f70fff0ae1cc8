"""Step 3: a hosted model is offered the tools of each row, and the reward scores the calls it makes.

Proves that calls are read in the form the API really returns them (``tool_calls`` with arguments as a JSON
string) and in the text forms, that a reply in words counts where no tool fits, and only there.

    FIREWORKS_API_KEY=... python examples/function_calling_example/fireworks_regenerate.py --limit 20
    TEST_MOCK_FIREWORKS_REGEN=1 python examples/function_calling_example/fireworks_regenerate.py --limit 20
"""

from common.stages import regenerate
from task import TASK

if __name__ == "__main__":
    regenerate.STAGE.main(TASK, __doc__)
