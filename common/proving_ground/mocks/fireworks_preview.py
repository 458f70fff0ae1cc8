"""The evaluator-preview API: its answer is derived by running the posted evaluator on the posted rows."""

import re
from typing import Any

import responses
from requests import PreparedRequest

from proving_ground.errors import InfrastructureError
from proving_ground.mocks import MockContext, json_body, json_response
from proving_ground.mocks.evaluator import run_evaluator

SWITCH = "TEST_MOCK_FIREWORKS_PREVIEW"
URL = re.compile(r"https?://[^/]+/v1/accounts/[\w.-]+/evaluators:previewEvaluator")


def register(mock: responses.RequestsMock, context: MockContext) -> None:
    """Answer ``POST .../evaluators:previewEvaluator``."""

    def answer(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        files, rows = _evaluator_and_rows(json_body(request))
        context.log(SWITCH, request, rows=len(rows))
        return json_response(run_evaluator(files, rows))

    mock.add_callback(responses.POST, URL, callback=answer)


def _evaluator_and_rows(body: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """What the API needs from a request; one that it would refuse is refused here."""
    match body:
        case {
            "evaluator": {
                "criteria": [
                    {
                        "type": "CODE_SNIPPETS",
                        "codeSnippets": {"language": "python", "fileContents": {"main.py": str()} as files},
                    }
                ]
            },
            "sampleData": [*rows],
            "maxSamples": int(most),
        } if rows and all(isinstance(row, str) for row in rows):
            return files, rows[:most]
    raise InfrastructureError(f"mocked preview: the request is not one the API takes (keys: {sorted(body)})")
