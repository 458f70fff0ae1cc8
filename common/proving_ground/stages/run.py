"""What every step shares: options, configuration, switches, the summary line and the exit code."""

import argparse
import errno
import importlib
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from proving_ground.cli import OptionParser, missing_package, positive_int
from proving_ground.config import Config, effective_settings, grpo_types, leaf_fields, load_config
from proving_ground.dataset import check_made_with
from proving_ground.errors import CannotRunError, ClaimError
from proving_ground.events import emit, is_main_process, say, scrub
from proving_ground.stages.record import Record
from proving_ground.stages.task import Task, write_rows
from proving_ground.switches import SWITCHES, check_switches, is_on

SHORT_HELP = 30
"""Settings that ``--help`` lists one by one; of more only those that are set, ``--help-all`` all."""
FACTS = 6
"""Fields of the summary that the line for people repeats."""


LOADING = "loading torch, transformers and trl (seconds; longer the first time)"

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EISDIR, errno.ENOTDIR)


@dataclass(frozen=True)
class Run:
    """What a stage's body is given."""

    task: Task
    config: Config
    options: argparse.Namespace
    output_dir: Path
    data_dir: Path
    claim: Callable[[], None] = lambda: None
    """Make the output folder's ``summary.json`` this run's (a stage with ``claims_late`` calls it)."""


@dataclass(frozen=True)
class Result:
    """How a stage ended: whether its claim holds, the summary's fields, and why not if it does not."""

    ok: bool
    summary: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class Stage:
    """One stage of an example.

    Attributes:
        name: ``prepare``, ``local_eval``, ``preview``, ``regenerate`` or ``train``.
        body: does the work; raises ``CannotRunError`` or ``ClaimError``, or returns a ``Result``.
        settings: the settings it reads, by key or section; only their options exist on its command line.
        add_options: adds the stage's own options to the parser.
        claims_late: whether the body says when the last run's ``summary.json`` is no longer true; by default
            that is so as soon as it starts.
        writes_data: whether ``--output-dir`` names the data's folder, where no summary belongs.
        after_interrupt: what a person who pressed Ctrl-C may do next.
    """

    name: str
    body: Callable[[Run], Result]
    settings: Sequence[str]
    add_options: Callable[[argparse.ArgumentParser], None] = lambda parser: None
    claims_late: bool = False
    writes_data: bool = False
    after_interrupt: str = "what is finished is kept, run it again to go on"

    def run(self, folder: Path, description: str | None, argv: Sequence[str]) -> int:
        """Run the stage for the example in ``folder``; returns the exit code."""
        return _run(self, folder, lambda: _task_of(folder), description or "", argv)

    def main(self, task: Task, description: str | None, argv: Sequence[str] | None = None) -> NoReturn:
        """Run the stage for a task at hand, and exit."""
        words = sys.argv[1:] if argv is None else argv
        sys.exit(_run(self, task.folder, lambda: task, description or "", words))


def _task_of(folder: Path) -> Task:
    """``TASK`` of ``task.py`` in ``folder``; a mistake in it is a ``CannotRunError`` with file and line."""
    file = folder / "task.py"
    try:
        module = importlib.import_module(f"{folder.parent.name}.{folder.name}.task")
    except SyntaxError as error:
        raise CannotRunError(
            f"{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}"
        ) from error
    except (CannotRunError, ModuleNotFoundError):
        raise
    except Exception as error:
        lines = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
        where = f"{file}:{lines[-1].lineno}" if lines else str(file)
        raise CannotRunError(f"{where}: {type(error).__name__}: {error}") from error
    if not isinstance(task := getattr(module, "TASK", None), Task):
        raise CannotRunError(f"{file}: defines no TASK, which says what the example is")
    return task


def _run(stage: Stage, folder: Path, load: Callable[[], Task], description: str, argv: Sequence[str]) -> int:
    record = Record(folder.name)
    try:
        if {"-h", "--help", "--help-all"} & set(argv):
            _help(stage, folder, description, argv)
            return 0
        options, overrides = _parse(stage, folder, argv)
        result = _execute(stage, load(), options, overrides, record)
    except ClaimError as error:
        result = Result(ok=False, problem=str(error))
    except CannotRunError as error:
        return _could_not_run(stage, str(error), record)
    except ModuleNotFoundError as error:
        return _could_not_run(stage, missing_package(error), record)
    except KeyboardInterrupt:
        say(f"{stage.name}: interrupted; {stage.after_interrupt}")
        record.write({"stage": stage.name, "ok": False}, 130, "interrupted")
        return 130
    except Exception as error:  # noqa: BLE001 - a bug keeps its traceback, but no secret may be in it
        if isinstance(error, OSError) and error.errno in UNWRITABLE:
            problem = f"{error.filename or record.folder or 'a file'}: {error.strerror}"
            advice = f"make room or give another --output-dir; {stage.after_interrupt}"
            return _could_not_run(stage, f"{problem}; {advice}", record)
        say(scrub(traceback.format_exc()))
        return _end(stage, record, 1, error="unexpected error, see stderr")
    code = _end(stage, record, 0 if result.ok else 1, result.problem, **result.summary)
    if not result.ok:
        say(scrub(f"{stage.name}: claim does not hold: {result.problem}"))
    elif is_main_process():
        facts = [f"{key} {value}" for key, value in result.summary.items() if isinstance(value, int | float)]
        say(f"{stage.name}: the claim holds: {', '.join(facts[:FACTS])}" if facts else f"{stage.name}: done")
    return code


def _could_not_run(stage: Stage, problem: str, record: Record) -> int:
    line = " ".join(scrub(problem).split())
    code = _end(stage, record, 2, error=line)
    say(f"error: {line}")
    return code


def _end(stage: Stage, record: Record, code: int, problem: str = "", /, **summary: Any) -> int:
    """The summary on stdout and in ``summary.json``; returns the exit code."""
    said = {"problem": scrub(problem)} if problem and code else {}
    emit("summary", stage=stage.name, ok=code == 0, **summary, **said)
    record.write({"stage": stage.name, "ok": code == 0, **summary}, code, problem if code else "")
    return code


def _execute(
    stage: Stage, task: Task, options: argparse.Namespace, overrides: Mapping[str, str], record: Record
) -> Result:
    output_dir = (options.output_dir or default_output_dir(task, stage.name)).resolve()
    check_switches()
    if not options.config.exists():
        known = ", ".join(map(str, sorted(task.folder.glob("config*.json"))))
        raise CannotRunError(f"--config {options.config}: no such file; there are {known}")
    config = load_config(options.config, overrides, os.environ)
    data_dir = _data_dir(task, options.config, config)
    if not stage.writes_data and config.data.dir is None:  # who names a folder names the data
        check_made_with(data_dir, config.data)
    # Only now: a command that is refused leaves what the last run wrote.
    if not (stage.claims_late or (stage.writes_data and options.output_dir)):
        record.open(output_dir)
    # Whatever the stage: a switch that is on is on, and another API is an entry of the registry.
    mocks = [switch for switch in SWITCHES.values() if switch.mock and is_on(switch.name)]
    record.switches = [switch.name for switch in mocks]
    if "grpo" in stage.settings and is_on("TEST_MODE_TRL"):
        record.switches.append("TEST_MODE_TRL")
    run = Run(
        task=task.with_sandbox(config.sandbox),
        config=config,
        options=options,
        output_dir=output_dir,
        data_dir=data_dir,
        claim=partial(record.open, output_dir),
    )
    record.data = run.data_dir / "dataset.jsonl"
    with ExitStack() as stack:
        if mocks:
            from proving_ground.mocks import activate

            stack.enter_context(activate(mocks, task.folder, run.output_dir))
        return stage.body(run)


def _data_dir(task: Task, path: Path, config: Config) -> Path:
    """Where the data is: that of ``config.json`` in the example; other configurations have a folder each.

    One that comes through a pipe has no name of its own: it is ``config.json``, changed on its way.
    """
    if config.data.dir is not None:
        return config.data.dir.resolve()
    if task.rows is not None:
        return write_rows(task, config.data).resolve()
    own = path.name != "config.json" and path.is_file()
    return default_output_dir(task, f"data/{path.stem}") if own else task.folder.resolve()


def default_output_dir(task: Task, stage: str) -> Path:
    """``outputs/<example>/<stage>`` beside the ``examples`` folder, whatever the working directory."""
    return task.folder.parent.parent / "outputs" / task.name / stage


def add_limit(parser: argparse.ArgumentParser) -> None:
    """Add ``--limit`` for the stages that can work on the first rows alone."""
    parser.add_argument(
        "--limit", type=positive_int, metavar="N", help="only the first N rows of dataset.jsonl"
    )


class _Parser(OptionParser):
    def near(self, option: str) -> str:
        field = option.removeprefix("--").replace("-", "_")
        if "--grpo.FIELD" in self._option_string_actions and field in grpo_types():
            return f"did you mean --grpo.{field}?"
        return super().near(option)


def _parser(stage: Stage, folder: Path, shown: Mapping[str, str]) -> _Parser:
    """Options with their help; of the settings, ``shown`` holds those to list and what is said of them."""
    parser = _Parser(
        prog=f"proving-ground {stage.name} {folder.name}",
        usage="%(prog)s [options]",
        formatter_class=partial(argparse.RawDescriptionHelpFormatter, max_help_position=34),
        allow_abbrev=False,
        add_help=False,
        epilog="Precedence: command line > environment (PROVING_GROUND_<SECTION>__<KEY>) > config.json >"
        " defaults.\n"
        "Exit codes: 0 the claim holds, 1 it does not, 2 the stage could not run, 130 Ctrl-C.",
    )
    stage.add_options(parser)
    own = "outputs/<example>/<stage>"
    if stage.writes_data:
        own = (
            "the example's folder; with another --config than config.json, outputs/<example>/data/<its name>"
        )
    parser.add_argument("--output-dir", type=Path, metavar="DIR", help=f"default: {own}")
    parser.add_argument(
        "--config",
        type=Path,
        default=folder / "config.json",
        metavar="FILE",
        help="configuration file, or a pipe: <(jq ...)",
    )
    parser.add_argument("-h", "--help", action="store_true", help="what stands here")
    if not set(_settings(stage)) <= set(shown):
        parser.add_argument(
            "--help-all", action="store_true", help="list the settings at their defaults, too"
        )
    settings = parser.add_argument_group("settings, with their values and where these come from")
    for key in _settings(stage):
        text = shown[key].replace("%", "%%") if key in shown else argparse.SUPPRESS
        settings.add_argument(f"--{key}", dest=key, metavar="VALUE", help=text)
    if "grpo" in stage.settings:
        settings.add_argument(
            "--grpo.FIELD", dest="grpo.FIELD", metavar="VALUE", help="any field of TRL's GRPOConfig"
        )
    return parser


def _settings(stage: Stage) -> list[str]:
    """The keys of the settings that the stage reads."""
    return [
        key for key, _, _ in leaf_fields() if any(f"{key}.".startswith(f"{read}.") for read in stage.settings)
    ]


def _help(stage: Stage, folder: Path, description: str, argv: Sequence[str]) -> None:
    """Print what the stage does, its options, and its settings as they are now."""
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--config", type=Path, default=folder / "config.json")
    path = first.parse_known_args(argv)[0].config
    own, problem = _settings(stage), ""
    listed = len(own) <= SHORT_HELP or "--help-all" in argv
    try:
        settings = list(effective_settings(path, os.environ))
    except CannotRunError as error:
        settings = [(key, value, "default", text) for key, value, text in leaf_fields()]
        problem = f"\n\nNot read, so that these are the defaults: {error}"
    shown = {
        key: f"{text} ({json.dumps(value, default=str, ensure_ascii=False)}, {origin})"
        for key, value, origin, text in settings
        if key in own and (listed or origin != "default")
    }
    parser = _parser(stage, folder, shown)
    parser.description = description + problem
    parser.print_help()


def _parse(stage: Stage, folder: Path, argv: Sequence[str]) -> tuple[argparse.Namespace, dict[str, str]]:
    parser = _parser(stage, folder, {})
    if "grpo" in stage.settings:  # TRL's fields are known to TRL alone: each that is named is an option
        for name in {match[1] for word in argv if (match := re.match(r"--(grpo\.\w+)(=|$)", word))}:
            parser.add_argument(f"--{name}", dest=name)
    options = parser.parse_args(argv)
    return options, {key: text for key, text in vars(options).items() if "." in key and text is not None}
