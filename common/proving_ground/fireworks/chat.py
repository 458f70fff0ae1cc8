"""Chat completions: the request a sample becomes, and what came back."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proving_ground.config import Config
from proving_ground.dataset import Sample
from proving_ground.fireworks.errors import ServiceError
from proving_ground.messages import Message, content_text, prompt_of


@dataclass(frozen=True)
class Answer:
    """One regenerated answer.

    Attributes:
        message: the assistant's message as it came (``content``, and ``reasoning_content`` or
            ``tool_calls`` where there are any).
        finish_reason: ``stop``, ``length`` (cut off: a failed regeneration) or ``tool_calls``.
    """

    message: Message
    finish_reason: str

    @property
    def text(self) -> str:
        """The answer's text as the model wrote it, ``<think>`` included where the model puts it there."""
        return content_text(self.message)

    @property
    def truncated(self) -> bool:
        """Whether the answer was cut off at ``max_tokens``."""
        return self.finish_reason == "length"


def chat_request(sample: Sample, config: Config) -> dict[str, Any]:
    """The body to post for one sample: its prompt, the configured system prompt and sampling settings.

    A sample with a ``tools`` column (a JSON list of tool schemas) offers them to the model.
    """
    settings = config.fireworks
    offered = {"tools": json.loads(sample["tools"])} if sample.get("tools") else {}
    return {
        "model": settings.model,
        "messages": prompt_of(sample, config.prompt.system),
        **offered,
        "temperature": settings.temperature,
        "max_tokens": settings.max_tokens,
        "reasoning_effort": settings.reasoning_effort,
        # Otherwise the server silently lowers max_tokens when the prompt is long.
        "context_length_exceeded_behavior": "error",
    }


def request_hash(request: Mapping[str, Any]) -> str:
    """sha256 (hex) of a request body, whatever the order of its keys: what names a recording."""
    text = json.dumps(request, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def parse_chat(payload: Mapping[str, Any]) -> Answer:
    """Read a chat completion; raises ``ServiceError`` when it is not one."""
    match payload.get("choices"):
        case [{"message": {"role": "assistant"} as message, "finish_reason": str(finish_reason)}, *_]:
            content = message.get("content")
            if content is None or isinstance(content, str):
                return Answer(dict(message), finish_reason)
    raise ServiceError(
        f"the chat API answered 200 without a completion in it (keys: {sorted(payload)[:8]})", 200
    )
