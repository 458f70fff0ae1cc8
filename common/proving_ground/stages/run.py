"""What every step shares: options, configuration, switches, the summary line and the exit code."""

import argparse
import importlib
import importlib.util
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import proving_ground
from proving_ground.config import Config, leaf_fields, load_config
from proving_ground.errors import CannotRunError, ClaimError
from proving_ground.events import emit, say
from proving_ground.stages.record import Record
from proving_ground.stages.task import Task
from proving_ground.switches import SWITCHES, check_switches, is_on

SECRETS = ("FIREWORKS_API_KEY", "HF_TOKEN", "WANDB_API_KEY")
"""Environment variables whose values never reach an output."""


@dataclass(frozen=True)
class Run:
    """What a stage's body is given."""

    task: Task
    config: Config
    options: argparse.Namespace
    output_dir: Path
    data_dir: Path


@dataclass(frozen=True)
class Result:
    """How a stage ended: whether its claim holds, the summary's fields, and why not if it does not."""

    ok: bool
    summary: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class Stage:
    """One step of the road.

    Attributes:
        name: ``prepare``, ``local_eval``, ``preview``, ``regenerate`` or ``train``.
        body: does the work; raises ``CannotRunError`` or ``ClaimError``, or returns a ``Result``.
        sections: the configuration sections it reads; only their options exist on its command line.
        add_options: adds the stage's own options to the parser.
        mocks: the switches whose mocks it enters when they are on.
        writes_data: whether ``--output-dir`` names the data's folder, where no summary belongs.
        after_interrupt: what a person who pressed Ctrl-C may do next.
    """

    name: str
    body: Callable[[Run], Result]
    sections: Sequence[str]
    add_options: Callable[[argparse.ArgumentParser], None] = lambda parser: None
    mocks: Sequence[str] = ()
    writes_data: bool = False
    after_interrupt: str = "what is finished is kept, run it again to go on"

    def script(self, file: str, description: str | None) -> NoReturn:
        """Run the stage for the example in whose folder the script ``file`` lies.

        The code of the script's own checkout runs, whatever copy of this project is installed.
        """
        _prefer_own_code(Path(file).resolve())
        self.main(_task_beside(Path(file).resolve()), description)

    def main(self, task: Task, description: str | None, argv: Sequence[str] | None = None) -> NoReturn:
        """Run the stage as a script and exit: 0 claim holds, 1 it does not, 2 could not run."""
        sys.exit(_run(self, task, description or "", sys.argv[1:] if argv is None else argv))


def _prefer_own_code(script: Path) -> None:
    """Start again with the script's own checkout first on the path, if another copy would be imported."""
    root = script.parents[2]
    package, own = root / "common" / "proving_ground", script.parents[1]
    spec = importlib.util.find_spec(own.name)
    found = [Path(place).resolve() for place in (spec and spec.submodule_search_locations) or []]
    loaded = Path(proving_ground.__file__).resolve().parent
    if own in found[:1] and (loaded == package or not package.is_dir()):
        return
    before = os.environ.get("PYTHONPATH", "")
    path = [*([str(package.parent)] if package.is_dir() else []), str(root)]
    if before.split(os.pathsep)[: len(path)] == path:
        raise CannotRunError(f"{own}: other code is imported in its place ({loaded}); does __init__.py lack?")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([*path, *filter(None, [before])])}
    os.execve(sys.executable, [sys.executable, str(script), *sys.argv[1:]], environ)


def _task_beside(script: Path) -> Task:
    """``TASK`` of the example's ``task.py``."""
    task: Task = importlib.import_module(f"{script.parents[1].name}.{script.parent.name}.task").TASK
    return task


def _run(stage: Stage, task: Task, description: str, argv: Sequence[str]) -> int:
    record = Record(task.name)
    try:
        result = _execute(stage, task, description, argv, record)
    except ClaimError as error:
        result = Result(ok=False, problem=str(error))
    except CannotRunError as error:
        return _could_not_run(stage, str(error), record)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in {"common", "examples", "task", ""}:
            raise
        problem = f"the package {error.name!r} is missing; install this project's extras"
        return _could_not_run(stage, problem, record)
    except KeyboardInterrupt:
        say(f"{stage.name}: interrupted; {stage.after_interrupt}")
        record.write({"stage": stage.name, "ok": False}, 130, "interrupted", scrub)
        return 130
    except Exception:  # noqa: BLE001 - a bug keeps its traceback, but no secret may be in it
        say(scrub(traceback.format_exc()))
        return _end(stage, record, 1, error="unexpected error, see stderr")
    code = _end(stage, record, 0 if result.ok else 1, result.problem, **result.summary)
    if not result.ok:
        say(scrub(f"{stage.name}: claim does not hold: {result.problem}"))
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
    record.write({"stage": stage.name, "ok": code == 0, **summary}, code, problem if code else "", scrub)
    return code


def _execute(stage: Stage, task: Task, description: str, argv: Sequence[str], record: Record) -> Result:
    options, overrides = _parse(stage, task, description, argv)
    output_dir = (options.output_dir or default_output_dir(task, stage.name)).resolve()
    check_switches()
    config = load_config(options.config, overrides, os.environ)
    # Only now: a command that is refused leaves what the last run wrote.
    if not (stage.writes_data and options.output_dir):
        record.open(output_dir)
    ours = [*stage.mocks, *(["TEST_MODE_TRL"] if "grpo" in stage.sections else [])]
    record.switches = [name for name in ours if is_on(name)]
    run = Run(
        task=task,
        config=config,
        options=options,
        output_dir=output_dir,
        data_dir=(config.data.dir or task.folder).resolve(),
    )
    record.data = run.data_dir / "dataset.jsonl"
    if "sandbox" in stage.sections and "proving_ground.sandbox" in sys.modules:
        # Loaded with the task's reward, and only by one that runs programs.
        from proving_ground.sandbox import SandboxSettings, configure

        configure(SandboxSettings(**config.sandbox.model_dump()))
    with ExitStack() as stack:
        active = [SWITCHES[name] for name in stage.mocks if is_on(name)]
        if active:
            from proving_ground.mocks import activate

            stack.enter_context(activate(active, task.folder, run.output_dir))
        return stage.body(run)


def default_output_dir(task: Task, stage: str) -> Path:
    """``outputs/<example>/<stage>`` beside the ``examples`` folder, whatever the working directory."""
    return task.folder.parent.parent / "outputs" / task.name / stage


def add_limit(parser: argparse.ArgumentParser) -> None:
    """Add ``--limit`` for the stages that can work on the first rows alone."""
    parser.add_argument(
        "--limit", type=positive_int, metavar="N", help="only the first N rows of dataset.jsonl"
    )


def positive_int(text: str) -> int:
    """An option's whole number of at least 1; raises ``ValueError`` as argparse expects."""
    if (value := int(text)) < 1:
        raise ValueError(text)
    return value


def scrub(text: str) -> str:
    """``text`` without the values of the environment's secrets."""
    for name in SECRETS:
        if secret := os.environ.get(name, "").strip():
            text = text.replace(secret, f"<{name}>")
    return text


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise CannotRunError(f"{message} (--help lists the options)")


def _parse(
    stage: Stage, task: Task, description: str, argv: Sequence[str]
) -> tuple[argparse.Namespace, dict[str, str]]:
    parser = _Parser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        epilog="Precedence: command line > environment (PROVING_GROUND_<SECTION>__<KEY>) > config.json >"
        " defaults.\n"
        "Exit codes: 0 the claim holds, 1 it does not, 2 the step could not run, 130 Ctrl-C.",
    )
    parser.add_argument(
        "--config", type=Path, default=task.folder / "config.json", metavar="FILE", help="configuration file"
    )
    parser.add_argument("--output-dir", type=Path, metavar="DIR", help="default: outputs/<example>/<stage>")
    stage.add_options(parser)
    settings = parser.add_argument_group("settings of config.json")
    for key, default, text in leaf_fields():
        if key.split(".")[0] in stage.sections:
            shown = "" if default is None else f" (default {json.dumps(default, default=str)})"
            settings.add_argument(
                f"--{key}",
                dest=key,
                metavar=key.rsplit(".", 1)[-1].upper(),
                help=(text + shown).replace("%", "%%"),
            )
    if "grpo" in stage.sections:
        settings.add_argument(
            "--grpo.FIELD", dest="grpo.FIELD", metavar="VALUE", help="any field of TRL's GRPOConfig"
        )
    plain, dotted = _split_grpo(argv) if "grpo" in stage.sections else (list(argv), {})
    options = parser.parse_args(plain)
    given = {key: value for key, value in vars(options).items() if "." in key and value is not None}
    return options, {**given, **dotted}


def _split_grpo(argv: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Take ``--grpo.name value`` and ``--grpo.name=value`` out: argparse cannot know TRL's fields."""
    plain: list[str] = []
    dotted: dict[str, str] = {}
    words = iter(argv)
    for word in words:
        match = re.fullmatch(r"--(grpo\.\w+)(?:=(.*))?", word, re.DOTALL)
        if not match:
            plain.append(word)
            continue
        value = match[2] if match[2] is not None else next(words, None)
        if value is None:
            raise CannotRunError(f"{word}: expected a value")
        dotted[match[1]] = value
    return plain, dotted
