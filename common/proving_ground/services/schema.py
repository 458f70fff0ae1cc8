"""What the Fireworks APIs take, as strict models, and the errors they answer with.

Field names follow the API reference and the official SDK's request types. A field the API knows but a local
policy cannot honour is refused: dropping ``n`` or ``logprobs`` would answer another question than was asked.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

NOT_HERE = frozenset(
    """
    echo echo_last function_call functions ignore_eos logit_bias logprobs min_p mirostat_lr mirostat_target
    n perf_metrics_in_response prediction presence_penalty prompt_truncate_len raw_output repetition_penalty
    response_format return_token_ids speculation stream_options thinking tool_choice top_k top_logprobs
    typical_p
    """.split()  # noqa: SIM905 - one name a line would be a page
)
"""Fields of the chat API that ``transformers serve`` has no equal for."""

FORWARDED = ("messages", "max_tokens", "temperature", "top_p", "frequency_penalty", "stop", "seed", "tools")
"""Fields that reach the upstream server; the rest of ``ChatRequest`` has no meaning to it and is dropped."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Function(_Strict):
    name: str
    arguments: str


class _ToolCall(_Strict):
    id: str | None = None
    index: int | None = None
    type: Literal["function"] = "function"
    function: _Function


class _Part(_Strict):
    type: Literal["text"]
    text: str


class _Message(_Strict):
    role: Literal["system", "user", "assistant", "tool"]
    content: str | list[_Part] | None = None
    reasoning_content: str | None = None
    name: str | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str | None = None


class ChatRequest(_Strict):
    """The body of ``POST /inference/v1/chat/completions``."""

    model: str
    messages: Annotated[list[_Message], Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    tools: list[dict[str, Any]] | None = None
    stream: bool | None = None
    reasoning_effort: Literal["none", "low", "medium", "high"] | bool | int | None = None
    reasoning_history: Literal["disabled", "interleaved", "preserved"] | None = None
    context_length_exceeded_behavior: Literal["error", "truncate"] = "truncate"
    parallel_tool_calls: bool | None = None
    safe_tokenization: bool | None = None
    metadata: dict[str, str] | None = None
    user: str | None = None
    service_tier: Literal["auto", "default", "flex", "priority"] = "default"
    prompt_cache_key: str | None = None
    prompt_cache_isolation_key: str | None = None

    def upstream_body(self) -> dict[str, Any]:
        """The same request for an OpenAI-compatible server, without the fields it would refuse."""
        body = {"model": self.model, **self.model_dump(include=set(FORWARDED), exclude_none=True)}
        if self.max_completion_tokens is not None:
            body["max_tokens"] = self.max_completion_tokens
        return body


MAX_FILES = 256
"""Files that one evaluator may consist of."""


class _CodeSnippets(_Strict):
    language: Literal["python"]
    fileContents: Annotated[dict[str, str], Field(max_length=MAX_FILES)]  # noqa: N815 - the wire's spelling
    entryFile: Literal["main.py"] = "main.py"  # noqa: N815
    entryFunc: Literal["evaluate"] = "evaluate"  # noqa: N815


class _Criterion(_Strict):
    type: Literal["CODE_SNIPPETS"]
    name: str = ""
    description: str = ""
    codeSnippets: _CodeSnippets  # noqa: N815


class _Evaluator(_Strict):
    displayName: str = ""  # noqa: N815
    description: str = ""
    criteria: Annotated[list[_Criterion], Field(min_length=1, max_length=1)]
    requirements: str = ""
    multiMetrics: bool = False  # noqa: N815


class PreviewRequest(_Strict):
    """The body of ``POST /v1/accounts/{account}/evaluators:previewEvaluator``."""

    evaluator: _Evaluator
    sampleData: Annotated[list[str], Field(min_length=1)]  # noqa: N815
    maxSamples: Annotated[int, Field(ge=1)] = 10  # noqa: N815

    @property
    def files(self) -> dict[str, str]:
        """The evaluator's files by name."""
        return self.evaluator.criteria[0].codeSnippets.fileContents

    @property
    def rows(self) -> list[str]:
        """The rows to score: no more than ``maxSamples``, which is 10 unless it is given."""
        return self.sampleData[: self.maxSamples]


def complaint(error: ValidationError) -> str:
    """The first problem of a request in the words of the chat API: what, and which field."""
    problem = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in problem["loc"]) or "body"
    if problem["type"] == "extra_forbidden":
        if field in NOT_HERE:
            return f"The API has the field '{field}', but this local gateway cannot honour it"
        return f"Extra inputs are not permitted, field: '{field}'"
    return f"{problem['msg']}, field: '{field}'"


def chat_error(status: int, message: str) -> dict[str, Any]:
    """An error body of the chat API; its shape depends on the status."""
    if status == 401:
        return {"error": "unauthorized"}
    if status in (400, 413, 422):
        return {"error": {"object": "error", "type": "invalid_request_error", "message": message}}
    codes = {404: "NOT_FOUND", 412: "PRECONDITION_FAILED", 429: "RATE_LIMIT_EXCEEDED"}
    code = codes.get(status, "INTERNAL" if status >= 500 else "ERROR")
    return {"error": {"message": message, "param": None, "code": code, "type": "error"}}


def account_error(status: int, message: str) -> dict[str, Any]:
    """An error body of the account APIs, the preview among them: gRPC's code for the HTTP status."""
    codes = {400: 3, 401: 16, 403: 7, 404: 5, 412: 9, 429: 8, 500: 13, 503: 14}
    return {"code": codes.get(status, 2), "message": message, "details": []}


def error_body(path: str, status: int, message: str) -> dict[str, Any]:
    """An error body of the API that ``path`` belongs to."""
    return (account_error if "/accounts/" in path else chat_error)(status, message)


def completion_of(payload: Any, model: str) -> dict[str, Any] | None:
    """An upstream completion reduced to the fields that the API documents; ``None`` when it is none.

    ``model`` is the id that was asked for: ``transformers serve`` adds a revision to it.
    """
    known = _reduced(payload, model, "chat.completion", "message")
    if known is None:
        return None
    ends = {(each["message"].get("role"), type(each["finish_reason"])) for each in known["choices"]}
    if ends != {("assistant", str)}:
        return None
    used = payload.get("usage", {})
    usage = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {**known, "usage": {key: int(used.get(key, 0)) for key in usage}}


def chunk_of(payload: Any, model: str) -> dict[str, Any] | None:
    """One chunk of an upstream completion that streams, reduced likewise; ``None`` when it is none."""
    return _reduced(payload, model, "chat.completion.chunk", "delta")


def _reduced(payload: Any, model: str, kind: str, part: str) -> dict[str, Any] | None:
    match payload:
        case {"id": str(name), "created": int(created), "choices": [*choices]}:
            known = [_choice(choice, part) for choice in choices]
            if None not in known:
                return {"id": name, "object": kind, "created": created, "model": model, "choices": known}
    return None


def _choice(choice: Any, part: str) -> dict[str, Any] | None:
    names = ("role", "content", "reasoning_content", "tool_calls")
    match choice:
        case {"index": int(index), **rest} if isinstance(said := rest.get(part), dict):
            known = {key: said[key] for key in names if said.get(key) is not None}
            return {"index": index, part: known, "finish_reason": rest.get("finish_reason")}
    return None
