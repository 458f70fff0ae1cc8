"""The evaluator-preview API: its answer is derived by running the posted evaluator on the posted rows."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import responses
from pydantic import ValidationError
from requests import PreparedRequest

from proving_ground.errors import InfrastructureError
from proving_ground.fireworks.preview import DRIVER, FOLDER, driver_input, preview_answer
from proving_ground.mocks import MockContext, json_body, json_response
from proving_ground.services.schema import PreviewRequest, complaint

SWITCH = "TEST_MOCK_FIREWORKS_PREVIEW"
URL = re.compile(r"https?://[^/]+/v1/accounts/[\w.-]+/evaluators:previewEvaluator")
TIMEOUT_SECONDS = 300.0


def register(mock: responses.RequestsMock, context: MockContext) -> None:
    """Answer ``POST .../evaluators:previewEvaluator``."""

    def answer(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        try:
            asked = PreviewRequest.model_validate(json_body(request))
        except ValidationError as error:
            raise InfrastructureError(f"mocked preview: {complaint(error)}") from error
        if "main.py" not in asked.files:
            raise InfrastructureError("mocked preview: the evaluator has no main.py")
        context.log(SWITCH, request, rows=len(asked.rows))
        return json_response(run_evaluator(asked.files, asked.rows))

    mock.add_callback(responses.POST, URL, callback=answer)


def run_evaluator(files: Mapping[str, str], rows: Sequence[str]) -> dict[str, Any]:
    """Execute ``files`` (with a ``main.py``) over ``rows`` (JSON strings) in a fresh interpreter.

    The interpreter is isolated and starts in an empty folder, without this project's path, environment
    or secrets, so that a bundle which forgot a module fails here as it would on the real service.
    Returns the preview API's answer: ``success`` and ``totalRuntimeMs`` are strings.
    """
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="preview-") as name:
        folder = Path(name)
        (folder / FOLDER).mkdir()
        (folder / "driver.py").write_text(DRIVER, encoding="utf-8")
        for path, text in files.items():
            (folder / FOLDER / Path(path).name).write_text(text, encoding="utf-8")
        try:
            done = subprocess.run(
                [sys.executable, "-I", "driver.py"],
                cwd=folder,
                env={"PATH": os.environ.get("PATH", ""), "TMPDIR": name},
                input=driver_input(rows),
                capture_output=True,
                text=True,
                check=False,
                timeout=TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise InfrastructureError(f"the posted evaluator ran longer than {TIMEOUT_SECONDS:g} s") from None
    return preview_answer(
        len(rows),
        stdout=done.stdout,
        stderr=done.stderr,
        seconds=time.monotonic() - start,
        died=done.stderr,
    )
