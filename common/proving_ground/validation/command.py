"""Can this reward be gamed, does it lose right answers, can a policy learn from it? Any TRL reward function.

    proving-ground prove math_example
    proving-ground prove my_package.rewards:my_reward --data rows.jsonl --prompt question --truth answer
    proving-ground prove rewards.py:my_reward --data rows.parquet --reference solution --level semantic

The verdict is one table on stderr; --json prints the report on stdout; --output keeps it, with a badge.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from proving_ground.cli import OptionParser, guarded, positive_int
from proving_ground.dataset import atomic_writer, write_json
from proving_ground.errors import CannotRunError
from proving_ground.events import emit, say, scrub
from proving_ground.validation import LEVELS
from proving_ground.validation.canaries import KINDS


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = OptionParser(
        prog="proving-ground prove",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        epilog="Exit codes: 0 pass or warn, 1 fail, 2 reward or rows are not understood, 3 a check broke.",
    )
    add = made.add_argument
    add("reward", help="an example's name, package.module:function or file.py:function")
    add("--data", type=Path, metavar="FILE", help="rows: .jsonl or .parquet (an example has its own)")
    add("--prompt", metavar="COLUMN", help="the question: text or messages (default: prompt, question, ...)")
    add("--truth", metavar="COLUMN", help="the ground truth (default: ground_truth, answer, ...)")
    add("--truth-after", metavar="SIGN", help="the truth is what follows this in its column: '####' of GSM8K")
    add("--reference", metavar="COLUMN", help="a worked right completion, if the rows have one")
    add("--wrong", metavar="COLUMN", help="a list of wrong completions, if the rows have one")
    add("--canaries", type=Path, metavar="FILE", help="your own canaries: one JSON string a line")
    add("--kind", choices=KINDS, help="the kind of answer, where the ground truths do not tell it")
    add("--range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="bounds of the scores (default: 0 1)")
    add("--floor", type=float, metavar="SCORE", help="what an unsolved one may get at most")
    add("--second-grader", metavar="SPEC", help="an independent reward to compare with (statistical level)")
    add("--level", choices=LEVELS, default="statistical", help="the last level to run (default statistical)")
    add("--limit", type=positive_int, metavar="N", help="only the first N rows")
    add("--seed", type=int, default=0, help="of rows, canaries and policies (default: 0)")
    add("--json", action="store_true", help="print the report on stdout")
    add("--output", type=Path, metavar="DIR", help="write report.json and badge.svg there")
    add("--verdict", type=Path, metavar="FILE", help="write the report without timings, to be committed")
    add("--check", type=Path, metavar="FILE", help="fail unless the verdict is the one committed there")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    try:
        return guarded("prove", lambda: _main(parser().parse_args(argv)))
    except Exception:  # noqa: BLE001 - a broken check is exit code 3, with its traceback
        say(scrub(traceback.format_exc()))
        return 3


def _main(options: argparse.Namespace) -> int:
    started = time.monotonic()
    # Rewards take half a second to import: not before --help, nor before a mistake in the options.
    from proving_ground.validation import verdict
    from proving_ground.validation.checks import fast_checks
    from proving_ground.validation.inputs import load_reward, subject_of

    # Read before anything is written; and what cannot be written is said before the work.
    committed = verdict.read_report(options.check) if options.check else None
    for folder in filter(None, (options.output, options.verdict and options.verdict.absolute().parent)):
        _make(folder)
    with _as_in_a_job():
        subject = subject_of(options)
        second = load_reward(options.second_grader) if options.second_grader else None
        say(f"prove: {subject.name}: {subject.reward.form}; {len(subject.rows)} rows")
        for line in subject.said:
            say(f"prove: {line}")
        limits = verdict.policy().thresholds
        findings, examination = fast_checks(subject, limits, level=options.level, seed=options.seed)
        if options.level == "statistical":
            from proving_ground.validation.statistics import statistical_checks

            curves = options.output and options.output / "curves.json"
            findings += statistical_checks(examination, findings, second=second, curves=curves)
    given = (subject.name, subject.reward.form, options.level, options.seed, findings)
    written = verdict.report(*given)
    decision = written["verdict"]
    if options.output:
        write_json(options.output / "report.json", written)
        with atomic_writer(options.output / "badge.svg") as stream:
            stream.write(verdict.badge(decision).encode())
    if options.verdict:
        write_json(options.verdict, verdict.report(*given, timing=False))
    changed = verdict.differences(committed, written) if committed else []
    seconds = round(time.monotonic() - started, 1)
    verdict.show(subject.name, decision, findings, seconds)
    if options.json:
        sys.stdout.write(json.dumps(written, ensure_ascii=False, indent=2) + os.linesep)
    else:
        failed = verdict.not_met(findings)
        emit("verdict", target=subject.name, verdict=decision, failed=failed, seconds=seconds)
    for each in changed:
        say(f"prove: {options.check}: {each}; if it is meant, write it anew with --verdict")
    return verdict.EXIT_CODES[decision] or int(bool(changed))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise CannotRunError(f"{folder}: cannot write there ({error.strerror})") from error


@contextmanager
def _as_in_a_job() -> Iterator[None]:
    """What a reward prints goes nowhere, since stdout is the report's, and its input is at its end."""
    stdin = sys.stdin
    with Path(os.devnull).open("r+") as nothing, redirect_stdout(nothing):
        sys.stdin = nothing
        try:
            yield
        finally:
            sys.stdin = stdin
