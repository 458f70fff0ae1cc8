r"""Right and wrong verdicts on the table of pairs, by class: math_reward beside math-verify.

    python tests/benchmarks/bench_math_pairs.py [--half tuned|proof] [--pairs FILE] [--record NAME] [--list]

The table is ``tests/proving_ground/rewards/math_pairs.txt``. A hash of the pair puts it into the half the
rules were tuned on or into the half they are proved on. ``--record NAME`` keeps the verdicts as a column of
``math_pairs_verdicts.tsv``; ``--list`` shows the pairs that math_reward gets wrong.
"""

import argparse
import csv
import hashlib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from proving_ground.errors import InfrastructureError
from proving_ground.events import emit, say
from proving_ground.rewards import math_reward

TABLE = Path(__file__).resolve().parents[1] / "proving_ground" / "rewards" / "math_pairs.txt"
VERDICTS = TABLE.with_name("math_pairs_verdicts.tsv")


class Pair(NamedTuple):
    """One row of the table."""

    same: bool
    kind: str
    ground_truth: str
    answer: str

    @property
    def half(self) -> str:
        """``tuned`` or ``proof``, by a hash, so that nobody chooses."""
        digest = hashlib.sha256(f"{self.ground_truth}\n{self.answer}".encode()).digest()
        return "tuned" if digest[0] % 2 else "proof"

    @property
    def completion(self) -> str:
        """The answer boxed, unless it is a whole completion."""
        return self.answer if r"\boxed" in self.answer else rf"So the answer is $\boxed{{{self.answer}}}$."


def read_pairs(path: Path = TABLE) -> list[Pair]:
    """The rows of a table. ``ValueError`` for a line of another form."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            verdict, kind, rest = line.split(" | ", 2)
            ground_truth, answer = rest.split(" | ", 1)
            rows.append(Pair({"same": True, "diff": False}[verdict], kind, ground_truth, answer))
    return rows


def ours(pair: Pair) -> str:
    """``1``, ``0``, ``none`` or ``raised``."""
    try:
        (score,) = math_reward([pair.completion], [pair.ground_truth])
    except InfrastructureError:
        return "raised"
    return "none" if score is None else str(int(score))


def math_verify(pair: Pair) -> str:
    """``1`` or ``0`` by math-verify, the ground truth boxed as it needs it."""
    from math_verify import parse, verify

    return str(int(verify(parse(rf"$\boxed{{{pair.ground_truth}}}$"), parse(pair.completion))))


def outcome(pair: Pair, verdict: str) -> str:
    """What a verdict is worth: right, a false positive, a false negative, or neither 0 nor 1."""
    if verdict not in ("0", "1"):
        return verdict
    return (
        "right" if verdict == str(int(pair.same)) else f"false {'positive' if verdict == '1' else 'negative'}"
    )


def record(name: str, pairs: list[Pair], verdicts: dict[Pair, str]) -> None:
    """Write or replace one column of the verdicts file."""
    columns: dict[str, dict[str, str]] = {}
    if VERDICTS.exists():
        with VERDICTS.open(encoding="utf-8", newline="") as file:
            columns = {
                row["pair"]: row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            }
    rows = []
    for pair in pairs:
        key = f"{pair.ground_truth} | {pair.answer}"
        row = {"half": pair.half, "pair": key, "same": str(int(pair.same)), **columns.get(key, {})}
        rows.append({**row, name: verdicts[pair]})
    names = list(dict.fromkeys(column for row in rows for column in row))
    lines = ["\t".join(names), *("\t".join(row.get(column, "") for column in names) for row in rows)]
    VERDICTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--half", choices=("tuned", "proof"))
    parser.add_argument("--pairs", type=Path, default=TABLE)
    parser.add_argument("--record", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="show what math_reward gets wrong")
    parser.add_argument("--no-math-verify", action="store_true")
    arguments = parser.parse_args()
    pairs = [pair for pair in read_pairs(arguments.pairs) if arguments.half in (None, pair.half)]
    judges = {"math_reward": ours} | ({} if arguments.no_math_verify else {"math-verify": math_verify})
    for name, judge in judges.items():
        verdicts = {pair: judge(pair) for pair in pairs}
        for half in ("tuned", "proof"):
            counts = Counter(outcome(pair, verdicts[pair]) for pair in pairs if pair.half == half)
            if counts:
                say(f"{name:12} {half:6} {counts.total():4} pairs: {dict(counts.most_common())}")
                emit("bench_math_pairs", judge=name, half=half, pairs=counts.total(), **counts)
        if arguments.record:
            record(arguments.record if judge is ours else name, pairs, verdicts)
        if arguments.list and judge is ours:
            for pair in pairs:
                if (what := outcome(pair, verdicts[pair])) != "right":
                    say(f"  {what:15} {pair.kind:12} {pair.ground_truth}   |   {pair.answer}")


if __name__ == "__main__":
    main()
