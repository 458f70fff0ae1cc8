r"""math_reward beside TRL's accuracy_reward: how fast, and where the verdicts differ.

    python tests/benchmarks/bench_math_reward.py [--rows 100] [--repeats 5]

Both rewards score the same batches in one process, taking turns. Costs are CPU time, that of math_reward's
workers included, so that a busy machine does not decide. Every repeat is a batch not seen before, as in
training, so neither side's caches help. The first batch of each kind is left out: it pays for imports and
worker start-up. stdout gets one JSON line, stderr the table and every disagreement.
"""

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from proving_ground.events import say
from proving_ground.rewards import math_reward
from proving_ground.rewards.math.pool import shared_pool
from tests.benchmarks import table

Batch = tuple[list[str], list[str]]
"""Completions and their ground truths."""

STEP = "{name} has {a} boxes and buys {b} more, so there are {a} + {b} = {c}. Giving away a fifth leaves {d}."


def gsm8k_like(draw: random.Random, rows: int) -> Batch:
    """Chains of thought of 5 to 15 sentences that end in a boxed integer, two in three of them right."""
    completions, golds = [], []
    for _ in range(rows):
        lines = []
        for _ in range(draw.randint(5, 15)):
            a, b = draw.randint(2, 900), draw.randint(2, 900)
            lines.append(
                STEP.format(name=draw.choice(("Ada", "Emmy", "Sofia")), a=a, b=b, c=a + b, d=(a + b) // 5)
            )
        gold = draw.randint(-50, 20_000)
        answer = gold if draw.random() < 2 / 3 else gold + draw.choice((-10, -1, 1, 10))
        text = draw.choice(
            (f"{answer}", f"{answer:,}", rf"\${answer}", f"{answer}.00", rf"{answer}\text{{ boxes}}")
        )
        completions.append(" ".join(lines) + rf" So the answer is $\boxed{{{text}}}$.")
        golds.append(str(gold))
    return completions, golds


def _latex_pair(draw: random.Random) -> tuple[str, str]:
    """A ground truth and another spelling of it, with fresh numbers."""
    a, b, c = draw.randint(2, 99), draw.randint(2, 99), draw.randint(2, 99)
    n = draw.randint(2, 9)
    return draw.choice(
        (
            (rf"\frac{{{a}}}{{{b}}}", rf"\dfrac{{{a * n}}}{{{b * n}}}"),
            (rf"{a}\sqrt{{{b}}}", rf"\sqrt{{{a * a * b}}}"),
            (rf"\frac{{{a}}}{{\sqrt{{{b}}}}}", rf"\frac{{{a}\sqrt{{{b}}}}}{{{b}}}"),
            (rf"{a}x^2 + {b}x", rf"x({a}x + {b})"),
            (rf"(x+{a})(x-{b})", rf"x^2 + {a - b}x - {a * b}".replace("+ -", "- ")),
            (rf"({a}, {b})", rf"\left({a}, {b}\right)"),
            (rf"({a}, \frac{{{b}}}{{{c}}})", rf"\left({a}, \frac{{{b * n}}}{{{c * n}}}\right)"),
            (rf"\{{{a}, {b + 100}\}}", rf"\{{{b + 100}, {a}\}}"),
            (rf"[{a}, {a + b})", rf"[{a},{a + b})"),
            (rf"(-\infty, {a}) \cup ({a + b}, \infty)", rf"(-\infty,{a})\cup({a + b},\infty)"),
            (rf"\frac{{{a}\pi}}{{{b}}}", rf"\frac{{{a}}}{{{b}}}\pi"),
            (rf"y = {a}x + {b}", rf"y = {b} + {a}x"),
            (rf"x = {a}", f"{a}"),
            (rf"{a}\%", f"{a}"),
            (rf"{a}\text{{ cm}}", f"{a}"),
            (rf"{a}^{{\circ}}", f"{a}"),
            (rf"2^{{{a}}} - {b}", rf"-{b} + 2^{{{a}}}"),
            (rf"{a} + {b}i", rf"{b}i + {a}"),
            (rf"\log_{{{n}}} {a}", rf"\frac{{\ln {a}}}{{\ln {n}}}"),
            (
                rf"\begin{{pmatrix}} {a} & {b} \\ {c} & {n} \end{{pmatrix}}",
                rf"\begin{{pmatrix}}{a}&{b}\\{c}&{n}\end{{pmatrix}}",
            ),
            (rf"\frac{{1}}{{2^{{{a + 50}}}}}", rf"2^{{-{a + 50}}}"),
            (rf"{a}.{b:02d}", rf"\frac{{{a}{b:02d}}}{{100}}"),
        )
    )


def varied_latex(draw: random.Random, rows: int) -> Batch:
    """Pairs of the table above; one in three answers belongs to other numbers of the same form."""
    completions, golds = [], []
    for _ in range(rows):
        gold, answer = _latex_pair(draw)
        digits = [index for index, char in enumerate(answer) if char in "3456789"]
        if digits and draw.random() < 1 / 3:
            index = draw.choice(digits)
            answer = f"{answer[:index]}{int(answer[index]) - 1}{answer[index + 1 :]}"
        golds.append(gold)
        completions.append(rf"Therefore the answer is $\boxed{{{answer}}}$.")
    return completions, golds


def trl_reward(completions: list[str], golds: list[str]) -> list[float | None]:
    """TRL's reward on the same rows, its ground truths boxed, as it needs them."""
    from trl.rewards import accuracy_reward

    messages = [[{"role": "assistant", "content": text}] for text in completions]
    scores: list[float | None] = accuracy_reward(messages, [rf"$\boxed{{{gold}}}$" for gold in golds])
    return scores


def cpu_seconds() -> float:
    """What this process and the math workers have used so far."""
    stats = [Path(f"/proc/{pid}/stat").read_text(encoding="ascii") for pid in shared_pool().pids()]
    ticks = [sum(map(int, stat.rpartition(")")[2].split()[11:13])) for stat in stats]
    return time.process_time() + sum(ticks) / os.sysconf("SC_CLK_TCK")


def timed(reward: Callable[[list[str], list[str]], list[float | None]], batch: Batch) -> tuple[float, Any]:
    """CPU seconds for one batch, and its scores."""
    start = cpu_seconds()
    scores = reward(*batch)
    return cpu_seconds() - start, scores


def compare(kind: str, batches: Iterator[Batch]) -> None:
    """Time both rewards on each batch in turn; the first batch is a warm-up."""
    timed(math_reward, warm_up := next(batches))
    timed(trl_reward, warm_up)
    ours, theirs, differ, rows = [], [], {}, 0
    for number, batch in enumerate(batches):
        rewards = [(math_reward, ours), (trl_reward, theirs)]
        verdicts: dict[Any, list[float | None]] = {}
        for reward, times in rewards if number % 2 else reversed(rewards):
            seconds, verdicts[reward] = timed(reward, batch)
            times.append(seconds)
        for text, gold, mine, trl in zip(*batch, verdicts[math_reward], verdicts[trl_reward], strict=True):
            rows += 1
            if mine != trl:
                differ[(gold, text.rpartition(r"\boxed")[2])] = (mine, trl)
    ratio = statistics.median(theirs) / statistics.median(ours)
    per_row = 1000 * len(ours) / rows
    say(f"{kind:14} math_reward {statistics.median(ours) * per_row:8.3f} ms/row")
    say(
        f"{'':14} TRL         {statistics.median(theirs) * per_row:8.3f} ms/row, so {ratio:.1f} times as long"
    )
    say(f"{'':14} same verdict on {rows - len(differ)} of {rows} rows")
    for (gold, answer), (mine, trl) in sorted(differ.items()):
        say(
            f"{'':14}   gold {gold}   answer {answer[1:].removesuffix('}$.')}   math_reward {mine}, TRL {trl}"
        )
    ways = [[1000 * each * len(ours) / rows for each in times] for times in (theirs, ours)]
    table.row(f"math reward, {kind}", "TRL's accuracy_reward", *ways, unit="ms CPU a row")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100, help="rows in a batch")
    parser.add_argument("--repeats", type=int, default=5, help="batches that count")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for kind, make in (("GSM8K-like", gsm8k_like), ("varied LaTeX", varied_latex)):
        draw = random.Random(arguments.seed)
        compare(kind, (make(draw, arguments.rows) for _ in range(arguments.repeats + 1)))


if __name__ == "__main__":
    main()
