"""One real run of ``transformers serve`` behind the gateway: part of tests(training), which has torch."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from proving_ground.services.servers import serve_gateway, serve_policy
from tests.proving_ground.services.test_servers import MODEL


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_a_served_policy_answers_under_its_model_id(served: str, temperature: float, tmp_path: Path) -> None:
    with serve_gateway(served, journal=tmp_path / "journal.jsonl") as gateway:
        asked = {
            "model": MODEL,
            "messages": [{"role": "user", "content": "3 + 4 ="}],
            "temperature": temperature,
            "max_tokens": 8,
            "reasoning_effort": "none",
            "context_length_exceeded_behavior": "error",
        }
        key = gateway.environment["FIREWORKS_API_KEY"]
        answers = [
            requests.post(
                f"{gateway.url}/inference/v1/chat/completions",
                json=asked,
                headers={"Authorization": f"Bearer {key}"},
                timeout=60,
            )
            for _ in range(4)
        ]
        assert requests.get(f"{gateway.url}/health", timeout=10).status_code == 200
        streamed = openai_stream(gateway.url, key, {k: asked[k] for k in ("model", "messages", "max_tokens")})
    assert isinstance(streamed, str), "OpenAI's own client reads the stream to its end"
    assert [answer.status_code for answer in answers] == [200] * 4, answers[0].text
    assert {answer.json()["model"] for answer in answers} == {MODEL}
    texts = {answer.json()["choices"][0]["message"].get("content", "") for answer in answers}
    assert (len(texts) == 1) == (temperature == 0.0), "greedy at 0, sampled above"


def openai_stream(url: str, key: str, asked: dict[str, Any]) -> str:
    """The text that OpenAI's client gets from a stream, and the one model that it is listed."""
    from openai import OpenAI

    with OpenAI(base_url=f"{url}/inference/v1", api_key=key, max_retries=0) as client:
        assert [model.id for model in client.models.list()] == [MODEL]
        chunks = list(client.chat.completions.create(**asked, temperature=0.0, stream=True))
    assert chunks[-1].choices[0].finish_reason in ("stop", "length")
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tiny policy with random weights behind the real server."""
    folder = tmp_path_factory.mktemp("random") / "policy"
    subprocess.run([sys.executable, "-c", MAKE_POLICY, str(folder)], check=True, capture_output=True)
    with serve_policy(folder, MODEL) as url:
        yield url


MAKE_POLICY = """
import sys
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

words = {word: number for number, word in enumerate(["<pad>", "<eos>", "<unk>", *"0123456789+=abcdefgh"])}
tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
fast = PreTrainedTokenizerFast(
    tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
)
fast.chat_template = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
torch.manual_seed(0)
shape = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
config = LlamaConfig(vocab_size=len(words), pad_token_id=0, eos_token_id=1, bos_token_id=1, **shape)
LlamaForCausalLM(config).save_pretrained(sys.argv[1])
fast.save_pretrained(sys.argv[1])
"""
