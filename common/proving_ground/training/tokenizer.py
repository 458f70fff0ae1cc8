"""The embedded policy's tokenizer: byte-level BPE learnt from the example's own texts.

Byte-level, so that any text goes in and comes out unchanged (code keeps its indentation); single digits,
so that a number is read the way it is written. Common words of the example become single tokens, which
is what makes a policy of a million parameters quick to teach.
"""

from collections.abc import Sequence

from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

PAD = "<|pad|>"
END = "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>", "<|tool|>")
TOOL_TAGS = ("<tool_call>", "</tool_call>")
"""Tokens of their own, as in larger models, but text all the same: decoding keeps them."""

CHAT_TEMPLATE = (
    "{%- if tools %}{{ '<|system|>' }}"
    "{%- for tool in tools %}"
    "{{ tool.function.name + '(' }}"
    "{{ ((tool.function.parameters or {}).properties or {}) | join(', ') + ')\n' }}"
    "{%- endfor %}{{ '<|end|>' }}{%- endif %}"
    "{%- for message in messages if message['role'] != 'system' %}"
    "{{ '<|' + message['role'] + '|>' + (message['content'] or '') + '<|end|>' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
"""Roles are tokens of their own, every message ends in ``<|end|>``, and appending a message never changes
what stands before it. A tool is shown as ``name(argument, argument)``: JSON schemas are what larger models'
templates show, and would make most of a prompt that a policy of this size has to read. System messages are
left out: the embedded policy is taught the rewarded form and not told it, whoever asks."""


def build_tokenizer(texts: Sequence[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Learn a tokenizer of at most ``vocabulary`` tokens (at least the 256 bytes and the special ones)."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        BpeTrainer(
            vocab_size=vocabulary,
            min_frequency=2,
            special_tokens=[PAD, END, *ROLES],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    tokenizer.add_tokens([AddedToken(tag, normalized=False) for tag in TOOL_TAGS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=list(ROLES),
        chat_template=CHAT_TEMPLATE,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
