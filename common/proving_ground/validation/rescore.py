"""``rescore``: run a reward over completions that a run has kept, and see where it judges otherwise.

    proving-ground rescore outputs/math_example/train math_example
    proving-ground rescore outputs/math_example/train rewards.py:my_reward --data rows.jsonl --workers 2
    proving-ground rescore outputs/math_example/train math_example --engine ray

The reward that is tried may be the one of the run (after a change of its code), another one, or a second
grader. Shown are the share of completions on which both agree, and those that win or lose by it, by step.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

from proving_ground import engine
from proving_ground.cli import OptionParser
from proving_ground.dataset import read_samples
from proving_ground.errors import CannotRunError
from proving_ground.events import emit, progress_bar, say
from proving_ground.messages import completion_text
from proving_ground.rollouts import read_rollouts, rescored_writer, rollout_files, score_columns

BATCH = 512
"""Completions of one call of the reward: large enough for its own workers, small enough for memory."""
SHOWN = 3


def main(argv: Sequence[str]) -> int:
    """Score the kept completions again, and compare; returns 0."""
    parser = OptionParser(
        prog="proving-ground rescore",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("run", type=Path, help="folder of a training, of step 1 or of step 3, or one file of rollouts")
    add("reward", help="an example's name, package.module:function or file.py:function")
    add("--data", type=Path, action="append", help="samples with the rollouts' ids; an example has its own")
    add("--score", metavar="COLUMN", help="the recorded score to compare with, where there are several")
    engine.add_options(parser)
    add("--output", type=Path, metavar="FILE", help=".parquet or .jsonl (default: rescored.parquet in RUN)")
    options = parser.parse_args(argv)
    # Rewards take half a second to import: not before --help, nor before a mistake in the options.
    from proving_ground.validation.inputs import load_reward

    files = rollout_files(options.run)
    output = (
        options.output or (options.run if options.run.is_dir() else options.run.parent) / "rescored.parquet"
    )
    data = tuple(options.data or _own_data(options.reward))
    _rows(data)  # what is missing or broken is answered before anything is scored
    load_reward(options.reward)
    rollouts = read_rollouts(files)
    batches = iter(lambda: list(islice(rollouts, BATCH)), [])
    work = partial(_batch, reward=options.reward, data=data, score=options.score)
    counts = Counter(agree=0, won=0, lost=0, not_scored=0)
    by_step = Counter[tuple[int, bool]]()
    flips: dict[str, list[dict[str, Any]]] = {"wins": [], "loses": []}
    with progress_bar("rescore", None) as bar, rescored_writer(output) as write:
        for batch in engine.mapped(options, work, batches):
            write(batch)
            bar.update(len(batch))
            for row in batch:
                change = _change(row)
                agrees = row["before"] == row["after"]
                by_step[row["step"], agrees] += 1
                counts.update(agree=agrees, won=change > 0, lost=change < 0, not_scored=row["after"] is None)
                if change and len(shown := flips["wins" if change > 0 else "loses"]) < SHOWN:
                    shown.append(row)
    total = by_step.total()
    for step in (steps := sorted({step for step, _ in by_step})):
        if by_step[step, False] or len(steps) == 1:
            rows = by_step[step, True] + by_step[step, False]
            say(f"step {step}: {by_step[step, False]} of {rows} completions score otherwise")
    for word, shown in flips.items():
        for row in shown:
            say(f"{word}: {row['id']} {row['before']} -> {row['after']}: {row['completion'][:200]!r}")
    emit("summary", stage="rescore", ok=True, completions=total, **counts, output=str(output))
    say(f"rescore: {counts['agree']} of {total} completions score as before; {output}")
    return 0


def _own_data(reward: str) -> list[Path]:
    if ":" in reward:
        raise CannotRunError("--data: say where the samples are that the rollouts' ids name")
    from proving_ground.validation.inputs import example_module

    folder = example_module(reward).TASK.folder
    names = ("dataset.jsonl", "held_out.jsonl", "warm_start.jsonl")
    return [path for name in names if (path := folder / name).is_file() and path.stat().st_size]


@cache
def _rows(data: tuple[Path, ...]) -> dict[str, dict[str, Any]]:
    """The trainer's row of each sample, by id; read once in each process."""
    from proving_ground.rewards.contract import training_rows

    samples = [sample for path in data for sample in read_samples(path)]
    rows = training_rows(samples)
    return {sample["id"]: row for sample, row in zip(samples, rows, strict=True)}


def _batch(
    batch: Sequence[dict[str, Any]], reward: str, data: tuple[Path, ...], score: str | None
) -> list[dict[str, Any]]:
    from proving_ground.rewards.contract import call_reward, checked
    from proving_ground.validation.inputs import load_reward

    rows = _rows(data)
    if missing := [row.get("id") for row in batch if row.get("id") not in rows]:
        raise CannotRunError(
            f"{len(missing)} rollouts name rows that the data lacks (the first is {missing[0]!r}); give the"
            " data of that run with --data"
        )
    recorded = score_columns(batch[0])
    column = score or (recorded[0] if len(recorded) == 1 else "")
    if column not in recorded:
        raise CannotRunError(f"--score: the rollouts have {', '.join(recorded)}; say which to compare with")
    loaded = load_reward(reward)
    guarded = checked(loaded.name, loaded.function)
    after = call_reward(guarded, [rows[each["id"]] for each in batch], [each["completion"] for each in batch])
    return [
        {
            "step": int(each.get("step") or 0),
            "id": each["id"],
            "completion": completion_text(each["completion"]),
            "before": _number(each[column]),
            "after": now,
        }
        for each, now in zip(batch, after, strict=True)
    ]


def _number(score: Any) -> float | None:
    """A recorded score; TRL keeps what was not scored as NaN."""
    return None if score is None or score != score else float(score)


def _change(row: dict[str, Any]) -> float:
    """How much higher the new score is; 0 where either is missing: what was not scored has not lost."""
    return 0.0 if None in (row["before"], row["after"]) else float(row["after"] - row["before"])
