"""Step 2: the hosted evaluator judges tool calls as the reward here does.

Proves that the whole reward (parser, schema validation, comparison) travels: its modules are bundled and
sent with right and wrong calls and the tools of each row, and every score must be the one computed here.

    export FIREWORKS_API_KEY=... FIREWORKS_ACCOUNT_ID=...
    python examples/function_calling_example/fireworks_preview.py
    TEST_MOCK_FIREWORKS_PREVIEW=1 python examples/function_calling_example/fireworks_preview.py
"""

from common.stages import preview
from task import TASK

if __name__ == "__main__":
    preview.STAGE.main(TASK, __doc__)
