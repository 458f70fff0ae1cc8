"""Raw rows to candidates: check the columns, apply the filters, convert; every function pure in the row."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from proving_ground.dataset import dump_line, sample_problem
from proving_ground.errors import CannotRunError
from proving_ground.messages import content_text, split_messages
from proving_ground.preparation.declare import Preparation, Row, Stratum
from proving_ground.preparation.duplicates import digest64, normalised, word_grams
from proving_ground.preparation.sources import Chunk

CONTAMINATION_WORDS = 8
"""A question that shares this many consecutive words with a held-out one is contaminated (open-r1's rule)."""
CONTAMINATED = "contaminated"
EXAMPLES_PER_FILTER = 3
_EXAMPLE_LENGTH = 160


@dataclass(frozen=True)
class Candidate:
    """A row that passed every filter, reduced to what selection needs.

    ``prompt`` is the 64-bit hash of the normalised prompt, ``priority`` a seeded hash of the content
    that stands for a random order, ``line`` the sample as JSON.
    """

    prompt: int
    priority: int
    stratum: Stratum
    substratum: Stratum
    line: str


@dataclass
class Filtered:
    """What became of the rows of one chunk, or of all of them."""

    rows: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)

    def drop(self, name: str, example: str) -> None:
        """Count a dropped row; the first few of each filter are kept as examples."""
        self.dropped[name] += 1
        shown = self.examples.setdefault(name, [])
        if len(shown) < EXAMPLES_PER_FILTER:
            shown.append(example)

    def add_counts(self, other: Filtered) -> None:
        """Add the counts and examples of a later chunk."""
        self.rows += other.rows
        self.dropped += other.dropped
        for name, examples in other.examples.items():
            shown = self.examples.setdefault(name, [])
            shown.extend(examples[: EXAMPLES_PER_FILTER - len(shown)])


@dataclass(frozen=True)
class RowFilter:
    """The whole work on one chunk."""

    preparation: Preparation
    seed: int
    held_out_grams: frozenset[int] = frozenset()

    def __call__(self, chunk: Chunk) -> Filtered:
        result = Filtered()
        for where, raw in chunk.rows():
            row = self.preparation.adapt(raw)
            result.rows += 1
            if problem := self.preparation.row_problem(row):
                raise CannotRunError(f"{where}: {problem}")
            reason = self.reason_to_drop(row)
            if reason is None:
                result.candidates.append(self._candidate(row))
            else:
                result.drop(reason, f"{where}: {excerpt(question_text(row[self.preparation.prompt_column]))}")
        return result

    def reason_to_drop(self, row: Row) -> str | None:
        """The name of the first filter that drops ``row``, or ``None``."""
        for each in self.preparation.filters:
            if not each.keep(row):
                return each.name
        if self.held_out_grams and not self.held_out_grams.isdisjoint(
            word_grams(question_text(row[self.preparation.prompt_column]), CONTAMINATION_WORDS)
        ):
            return CONTAMINATED
        return None

    def _candidate(self, row: Row) -> Candidate:
        sample = self.preparation.to_sample(row)
        if problem := sample_problem(sample):
            raise ValueError(f"to_sample returned something that is no sample: {problem}")
        prompt = normalised(prompt_text(sample["messages"]))
        line = dump_line(sample)
        return Candidate(
            prompt=digest64(prompt),
            priority=digest64(str(self.seed), line),
            stratum=tuple(str(sample["metadata"][key]) for key in self.preparation.strata),
            substratum=tuple(str(sample["metadata"][key]) for key in self.preparation.substrata),
            line=line,
        )


def question_text(value: str | list[dict[str, object]] | None) -> str:
    """The question in a raw column: the text itself, or that of the last user message of a list."""
    if not isinstance(value, list):
        return value or ""
    asked = [content_text(message) for message in value if message.get("role") == "user"]
    return asked[-1] if asked else "\n".join(map(content_text, value))


def prompt_text(messages: list[dict[str, object]]) -> str:
    """All that stands before the reference answer, as one text."""
    return "\n".join(content_text(message) for message in split_messages(messages)[0])


def candidate_texts(candidate: Candidate) -> tuple[str, str]:
    """The question of a candidate's sample, and all of its prompt."""
    messages = json.loads(candidate.line)["messages"]
    return question_text(messages[:-1]), prompt_text(messages)


def excerpt(text: str) -> str:
    """The beginning of a text in one line, for a report."""
    line = " ".join(text.split())
    return f"{line[:_EXAMPLE_LENGTH]}{'…' if len(line) > _EXAMPLE_LENGTH else ''}"
