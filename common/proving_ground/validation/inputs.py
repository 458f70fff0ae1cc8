"""What is examined: a reward, in whatever form it is written, and the rows it scores.

The reward is an example of this project by its name, ``package.module:function`` or ``file.py:function``.
TRL's form (``completions`` and columns as lists) is called as it is; a function of one answer, such as
``f(completion, answer)``, is recognised by the names of its parameters and wrapped.
"""

import argparse
import ast
import asyncio
import functools
import importlib
import importlib.util
import inspect
import json
import math
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from proving_ground.cli import example_names
from proving_ground.dataset import bad_line, read_jsonl, read_lines, read_samples, sample_problem
from proving_ground.errors import CannotRunError, did_you_mean
from proving_ground.messages import Completion, completion_text, content_text, reference_of
from proving_ground.rewards.contract import call_reward, training_rows
from proving_ground.validation.canaries import FORMS, kind_of

COMPLETION: tuple[str, ...] = (
    *("completion", "response", "solution_str", "prediction", "model_output", "output", "pred"),
    *("model_answer", "student_answer", "predicted", "generated", "text", "candidate"),
)
TRUTH: tuple[str, ...] = (
    *("ground_truth", "truth", "gold", "reference", "expected", "target", "label", "correct_answer"),
    *("answer", "solution", "reference_answer", "gt"),
)
PROMPT = ("prompt", "question", "problem", "query", "instruction")
ROW = ("entry", "row", "example", "sample", "info", "extra_info", "metadata")
TRAINER = ("prompts", "completions", "completion_ids", "trainer_state", "log_extra", "log_metric")
"""What TRL itself gives to a reward; everything else is a column."""
LEFT_OUT = frozenset({"completion", *TRAINER})
"""Columns that no reward gets."""
SCORE_KEYS = ("score", "reward", "acc", "accuracy")
OF_ROWS = ("prompt", "truth", "truth_after", "reference", "wrong", "canaries", "kind", "range", "floor")
"""Options that say something about somebody's rows; an example has said it itself."""


class UnsupportedError(CannotRunError):
    """The reward or the rows are of no form that is understood (exit code 2)."""


@dataclass(frozen=True)
class Reward:
    """A reward in TRL's form. ``form`` says in words how it was recognised; ``spec`` and ``texts`` load it
    again. ``texts``: it reads completions as TRL sends them for prompts that are texts, not chats."""

    spec: str
    name: str
    function: Callable[..., Any]
    form: str
    texts: bool = False


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is examined. ``rows``, ``references`` and ``wrong`` are parallel.

    Attributes:
        rows: what the trainer's dataset would hold, ``prompt`` (messages) and columns.
        references: a right completion for each row; empty texts where the rows have none.
        wrong: completions that the owner of the rows says are wrong.
        bounds: lowest and highest score that the reward may give.
        floor: the highest score that a completion which solves nothing may get (a format bonus), declared.
        demonstrations: right completions by row in forms that a base model might use (statistical checks).
        truth_column: the column that the ground truth stands at the end of, if it is no column of its own.
        said: what was chosen among the columns, and what looks odd about it: lines for people.
    """

    name: str
    reward: Reward
    rows: Sequence[Mapping[str, Any]]
    references: Sequence[str]
    wrong: Sequence[Sequence[str]]
    canaries: Sequence[str] = ()
    bounds: tuple[float, float] = (0.0, 1.0)
    floor: float = 0.0
    kind: str | None = None
    demonstrations: Callable[[dict[str, Any]], Sequence[str]] | None = None
    samples: Sequence[dict[str, Any]] = field(default=())
    folder: Path | None = None
    truth_column: str = ""
    said: Sequence[str] = ()


def subject_of(options: argparse.Namespace) -> Subject:
    """The reward and the rows that the options name."""
    if ":" not in options.reward:
        example_module(options.reward)  # says what is near, or which functions a file has
        if options.data is not None and options.data.is_file():
            raise UnsupportedError("an example brings its own rows; --data goes with package.module:function")
        for name in OF_ROWS:
            if getattr(options, name) is not None:
                raise UnsupportedError(f"--{name.replace('_', '-')} goes with package.module:function")
        return example_subject(options.reward, options.data, options.limit)
    if options.data is None:
        raise UnsupportedError("say --data FILE: the rows that the reward scores")
    own: list[str] = []
    for number, line in read_lines(options.canaries) if options.canaries else ():
        try:
            own.append(json.loads(line).encode().decode())
        except (ValueError, AttributeError):
            bad_line(options.canaries, number, "not a JSON string; each line is one completion")
    low, high = options.range or (0.0, 1.0)
    floor = low if options.floor is None else options.floor
    if not -math.inf < low <= floor < high < math.inf:
        raise UnsupportedError("--range LOW HIGH --floor SCORE: it must be LOW <= SCORE < HIGH")
    return foreign_subject(
        load_reward(options.reward),
        read_rows(options.data, options.limit),
        prompt=options.prompt,
        reference=options.reference,
        truth=options.truth,
        truth_after=options.truth_after,
        wrong=options.wrong,
        canaries=own,
        bounds=(low, high),
        floor=floor,
        kind=options.kind,
        file=options.data,
        name=options.reward,
    )


def load_reward(spec: str, *, texts: bool = False) -> Reward:
    """The reward that ``spec`` names; raises ``UnsupportedError`` with what is missing."""
    if ":" not in spec:
        module = example_module(spec)
        reward = module.TASK.reward if hasattr(module, "TASK") else module.reward
        return Reward(spec, reward.__name__, reward, "TRL's form")
    place, _, name = spec.rpartition(":")
    if place.endswith(".py"):
        place = str(Path(place).absolute())  # a reward may change the working directory
        spec = f"{place}:{name}"
    module = _module_of(place)
    function: Any = module
    for part in name.split("."):
        function = getattr(function, part, None)
    if not callable(function):
        raise UnsupportedError(f"{spec}: {place} has no function {name!r}")
    if inspect.isclass(function):
        raise UnsupportedError(f"{spec} is a class; name a function, or an object that is called like one")
    wrapped, form = in_trl_form(function)
    if texts:
        return Reward(spec, name, _of_texts(wrapped), f"{form}, completions as texts", texts=True)
    return Reward(spec, name, wrapped, form)


def _forgot_function(spec: str) -> None:
    """Raise ``UnsupportedError`` where ``spec`` is a Python file, and say which functions it has."""
    if not spec.endswith(".py"):
        return
    try:
        body = ast.parse(Path(spec).read_bytes()).body
    except OSError as error:
        raise UnsupportedError(f"{spec}: no such Python file") from error
    except (SyntaxError, ValueError) as error:
        raise UnsupportedError(f"{spec}: no Python that can be read ({error})") from error
    names = [
        each.name
        for each in body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and not each.name.startswith("_")
    ]
    such = f"such as {', '.join(f'{spec}:{name}' for name in names)}" if names else "it defines none by name"
    raise UnsupportedError(f"{spec}: say which function, {such}")


def example_module(name: str) -> ModuleType:
    """The module of an example that holds its ``TASK``."""
    _forgot_function(name)
    for file in ("task", "grpo_example"):
        try:
            if importlib.util.find_spec(f"examples.{name}.{file}") is not None:
                return importlib.import_module(f"examples.{name}.{file}")
        except ModuleNotFoundError:
            continue
    forms = "give an example's name, package.module:function or file.py:function"
    near = did_you_mean(name, example_names("task.py", "grpo_example.py"))
    raise UnsupportedError(f"{name!r} is no example here; {near or forms}")


@functools.cache
def _module_of(place: str) -> ModuleType:
    """The module of a file, or of a name; raises ``UnsupportedError`` where it cannot be imported."""
    try:
        if not place.endswith(".py"):
            return importlib.import_module(place)
        spec = importlib.util.spec_from_file_location(place, place)
        if not Path(place).is_file() or spec is None or spec.loader is None:
            raise UnsupportedError(f"{place}: no such Python file")
        # Data classes look their module up; the path is a name that no other module has.
        module = sys.modules[place] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    except UnsupportedError:
        raise
    except ModuleNotFoundError as error:
        raise UnsupportedError(
            f"cannot import {place} (no module {error.name!r}); install what is missing, or run python -m"
            " proving_ground in the folder where it lies; a file is given as rewards.py:my_reward"
        ) from error
    except (Exception, SystemExit) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = "" if isinstance(error, SyntaxError) else f" ({last.filename}:{last.lineno})"
        raise UnsupportedError(
            f"{place}: its import raises {type(error).__name__}: {error}{where}"
        ) from error


def in_trl_form(function: Callable[..., Any]) -> tuple[Callable[..., Any], str]:
    """``function`` in TRL's form, and how it was understood, in words.

    Raises ``UnsupportedError`` when no parameter can be the completion.
    """
    name = getattr(function, "__name__", type(function).__name__)
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError) as error:
        raise UnsupportedError(f"{name}: its parameters cannot be read ({error})") from error
    kinds = {each.kind for each in parameters.values()}
    keywords = inspect.Parameter.VAR_KEYWORD in kinds
    if "completions" in parameters or (
        keywords and kinds <= {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    ):
        if not keywords:
            raise UnsupportedError(
                f"{name} takes no **columns, and TRL gives each reward"
                " prompts, completion_ids, trainer_state and more; add **columns"
            )
        return (_run_async(function), "TRL's form") if _is_async(function) else (function, "TRL's form")
    names = [
        name for name, each in parameters.items() if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    free = [name for name in names if name not in (*PROMPT, *ROW)]
    completion = next((name for name in COMPLETION if name in free), free[0] if free else None)
    if completion is None:
        raise UnsupportedError(f"{name}: no parameter can be the completion; write it in TRL's form")
    roles = {completion: "completion"}
    for name in names:
        if name not in roles:
            roles[name] = "truth" if name in TRUTH else "prompt" if name in PROMPT else "column"
    rest = [name for name in free if name != completion]
    if "truth" not in roles.values() and rest:
        roles[rest[0]] = "truth"
    optional = {name for name in names if parameters[name].default is not inspect.Parameter.empty}
    return _OneByOne(function, roles, optional, _is_async(function)), (
        f"a function of one answer, called for each: {', '.join(f'{n} = {r}' for n, r in roles.items())}"
    )


def _is_async(function: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object whose call is asynchronous
    )


def _run_async(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def reward(**columns: Any) -> Any:
        return asyncio.run(function(**columns))

    return reward


def _of_texts(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` as TRL calls it where prompts are texts: then completions are texts, too."""

    @functools.wraps(function)
    def reward(prompts: Sequence[Any], completions: Sequence[Completion], **columns: Any) -> Any:
        asked = [content_text(chat[-1]) for chat in prompts]
        return function(prompts=asked, completions=[completion_text(each) for each in completions], **columns)

    return reward


class _OneByOne:
    """A function of one answer, in TRL's form."""

    def __init__(
        self, function: Callable[..., Any], roles: Mapping[str, str], optional: set[str], asynchronous: bool
    ) -> None:
        self.function, self.roles, self.optional, self.asynchronous = function, roles, optional, asynchronous
        self.__name__ = getattr(function, "__name__", type(function).__name__)

    def __call__(self, completions: Sequence[Completion], **columns: Any) -> list[Any]:
        lists = {
            name: values
            for name, values in columns.items()
            if isinstance(values, list) and len(values) == len(completions)
        }
        return [
            self._score(completion_text(each), {name: values[index] for name, values in lists.items()})
            for index, each in enumerate(completions)
        ]

    def _score(self, text: str, row: Mapping[str, Any]) -> Any:
        arguments: dict[str, Any] = {}
        for name, role in self.roles.items():
            if role == "completion":
                arguments[name] = text
            elif role == "truth" and "ground_truth" in row:
                arguments[name] = row["ground_truth"]
            elif role == "prompt":
                arguments[name] = content_text(row["prompts"][-1]) if "prompts" in row else ""
            elif name in row:
                arguments[name] = row[name]
            elif name in ROW:
                arguments[name] = dict(row)
            elif name == "data_source":  # verl's form: which data set a row is of
                arguments[name] = ""
            elif name not in self.optional:
                raise UnsupportedError(f"{self.__name__} needs {name!r}, and the rows have no such column")
        value = self.function(**arguments)
        value = asyncio.run(value) if self.asynchronous else value
        if isinstance(value, Mapping):
            value = next((value[key] for key in SCORE_KEYS if key in value), value)
        if isinstance(value, tuple) and value and isinstance(value[0], int | float):
            value = value[0]
        return value


def example_subject(name: str, data_dir: Path | None = None, limit: int | None = None) -> Subject:
    """An example of this project: its reward, its prepared rows, its wrong answers."""
    module = example_module(name)
    if hasattr(module, "make_rows"):  # the template: rows as the trainer has them, made on the spot
        rows = [{"id": str(number), **row} for number, row in enumerate(module.make_rows(limit or 200))]
        return Subject(
            name=name,
            reward=load_reward(name),
            rows=rows,
            references=[module.demonstrations(row)[0] for row in rows],
            wrong=[[] for _ in rows],
            demonstrations=module.demonstrations,
        )
    task = module.TASK
    samples = task.samples() if task.rows else read_samples((data_dir or task.folder) / "dataset.jsonl")
    samples = samples[:limit]
    wrong_answers = task.wrong_answers_among(samples)
    return Subject(
        name=name,
        reward=load_reward(name),
        rows=training_rows(samples),
        references=[reference_of(sample) for sample in samples],
        wrong=[list(wrong_answers(sample)) for sample in samples],
        demonstrations=task.demonstrations,
        samples=samples,
        folder=task.folder,
    )


def read_rows(path: Path, limit: int | None = None) -> list[dict[str, Any]]:
    """The rows of a ``.jsonl`` or ``.parquet`` file; raises ``CannotRunError`` naming file and line."""
    rows: list[dict[str, Any]] = []
    if path.suffix == ".parquet":
        import pyarrow.parquet

        try:
            rows = pyarrow.parquet.read_table(path).slice(0, limit).to_pylist()
        except (OSError, ValueError) as error:
            raise CannotRunError(f"{path}: cannot read it ({error})") from error
    else:
        for _, row in read_jsonl(path):
            rows.append(row)
            if limit is not None and len(rows) >= limit:
                break
    if not rows:
        raise CannotRunError(f"{path}: no rows")
    return rows


def foreign_subject(
    reward: Reward,
    rows: Sequence[Mapping[str, Any]],
    *,
    prompt: str | None = None,
    reference: str | None = None,
    truth: str | None = None,
    truth_after: str | None = None,
    name: str | None = None,
    wrong: str | None = None,
    canaries: Sequence[str] = (),
    bounds: tuple[float, float] = (0.0, 1.0),
    floor: float = 0.0,
    kind: str | None = None,
    file: Path | None = None,
) -> Subject:
    """Anybody's reward over anybody's rows (of ``file``, which errors name); the options name the columns.

    Rows in this project's form need no option. ``wrong`` names a column with a list of wrong answers. With
    ``truth_after`` the truth is what follows the last of these in its column, which the reward gets whole.
    """
    named = {"prompt": prompt, "reference": reference, "truth": truth, "wrong": wrong}
    for option, column in named.items():
        if column is not None and column not in rows[0]:
            raise CannotRunError(f"--{option} {column}: the rows have {', '.join(map(str, rows[0]))}")
    made: list[dict[str, Any]] = []
    references: list[str] = []
    texts, said = False, ["the rows are samples: the last message is the reference, ground_truth the truth"]
    if prompt is None and truth is None and sample_problem(rows[0]) is None:
        for index, row in enumerate(rows):
            if problem := sample_problem(row):
                raise CannotRunError(f"{_place(file, index)}: {problem}; the rows before it are samples")
        made = training_rows(rows)
        references = [reference_of(row) for row in rows]
    else:
        prompt = prompt or _first(rows[0], ("prompt", "question", "problem", "messages"), "--prompt")
        truth = truth or _first(rows[0], ("ground_truth", "answer", "solution", "final"), "--truth")
        given_as = {"--truth": truth, "--prompt": prompt, "--reference": reference, "--wrong": wrong}
        _check_columns(rows, given_as, file)
        texts = prompt == "prompt" and isinstance(rows[0][prompt], str)
        last = f", what follows the last {truth_after!r}" if truth_after else ""
        said = [f"columns: prompt = {prompt}; truth = {truth}{last}; reference = {reference or 'none'}"]
        if left_out := LEFT_OUT & rows[0].keys():
            said += [f"columns left out, since TRL gives rewards its own: {', '.join(sorted(left_out))}"]
        if not truth_after and all("\n#### " in text_of(row[truth])[-40:] for row in rows):
            said += [
                f"warning: each {truth} is a worked solution that ends in '#### ...', and all of it is the"
                " truth here; for what stands behind the sign alone: --truth-after '####'"
            ]
        for index, row in enumerate(rows):
            columns = {column: value for column, value in row.items() if column not in LEFT_OUT}
            chat = _chat(row[prompt], f"{_place(file, index)}: {prompt!r}")
            made.append({"id": str(index + 1), **columns, "prompt": chat})
            given = text_of(row[truth])
            if truth_after and truth_after not in given:
                raise CannotRunError(
                    f"{_place(file, index)}: {truth!r} has no {truth_after!r} (--truth-after)"
                )
            made[-1].setdefault(
                "ground_truth", given.rpartition(truth_after)[2].strip() if truth_after else given
            )
            references.append(text_of(row[reference]) if reference and row[reference] is not None else "")
    for column in _needed(reward.function):
        if not any(column in row for row in made):
            if column not in TRUTH:
                raise UnsupportedError(
                    f"{reward.spec} needs the column {column!r}; the rows have {', '.join(map(str, rows[0]))}"
                )
            said.append(f"{reward.name} gets the truth as {column}")
            made = [{**row, column: row["ground_truth"]} for row in made]
        _check_columns(made, {reward.spec: column}, file)
    for index, row in enumerate(made):
        if kind in ("calls", "parts") and kind_of(text_of(row["ground_truth"])) != kind:
            raise CannotRunError(f"{_place(file, index)}: --kind {kind}: the ground truth is no such JSON")
        if wrong and not isinstance(rows[index].get(wrong) or [], list):
            raise CannotRunError(f"{_place(file, index)}: {wrong!r} is no list of completions (--wrong)")
    # What only some rows have is null in the others, as `datasets` reads them.
    columns = {column: None for row in made for column in row}
    made = [{**columns, **row} for row in made]
    reward = _as_sent(reward, made[0], references[0], texts)
    return Subject(
        name=name or reward.spec,
        reward=reward,
        rows=made,
        references=references,
        wrong=[[text_of(each) for each in row.get(wrong) or []] if wrong else [] for row in rows],
        canaries=canaries,
        bounds=bounds,
        floor=floor,
        kind=kind,
        truth_column=truth if truth and truth_after else "",
        said=said,
    )


def _check_columns(
    rows: Sequence[Mapping[str, Any]], named: Mapping[str, str | None], file: Path | None
) -> None:
    """Raise ``CannotRunError`` for a row without a column, or with none in it where there must be one.

    ``named`` has the columns by what asks for them: an option, or the reward.
    """
    for index, row in enumerate(rows):
        for asking, column in named.items():
            if column is not None and column not in row:
                raise CannotRunError(
                    f"{_place(file, index)}: no column {column!r} ({asking}); the row has"
                    f" {', '.join(map(str, row))}"
                )
            if column is not None and asking in ("--prompt", "--truth") and row[column] is None:
                raise CannotRunError(
                    f"{_place(file, index)}: {column!r} is null; drop the row, or give a {asking[2:]}"
                )


def _place(file: Path | None, index: int) -> str:
    """A row as errors name it: its line, where each line of the file is a row."""
    if file is None:
        return f"row {index + 1}"
    return f"{file}: row {index + 1}" if file.suffix == ".parquet" else f"{file}:{index + 1}"


def _needed(function: Callable[..., Any]) -> list[str]:
    """The columns that a reward cannot do without."""
    if isinstance(function, _OneByOne):
        columns = [name for name, role in function.roles.items() if role == "column"]
        return [name for name in columns if name not in (*function.optional, *ROW, "data_source")]
    parameters = inspect.signature(function).parameters.values()
    named = [each for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    return [each.name for each in named if each.default is each.empty and each.name not in TRAINER]


def _as_sent(reward: Reward, row: Mapping[str, Any], reference: str, texts: bool) -> Reward:
    """``reward`` over messages or texts, whichever it reads. TRL sends texts where prompts are texts; raw
    rows do not tell what their prompts will be, and a reward that pays no right answer reads the other."""
    right = [reference, *(form.replace("@", text_of(row["ground_truth"])) for form in FORMS.values())]
    for way in (texts, not texts):
        tried = load_reward(reward.spec, texts=way)
        try:
            scores = call_reward(tried.function, [row] * len(right), right)
            if any(isinstance(score, int | float) and score > 0 for score in scores):
                return tried
        except (Exception, SystemExit):  # noqa: BLE001 - whatever it raises is examined later
            continue
    return reward


def _chat(asked: Any, place: str) -> list[dict[str, Any]]:
    """A prompt as messages; raises ``CannotRunError`` naming its ``place`` where it is no prompt."""
    if isinstance(asked, str):
        return [{"role": "user", "content": asked}]
    if isinstance(asked, list) and asked and all(map(_is_message, asked)):
        return [*map(dict, asked)]
    raise CannotRunError(f"{place} is neither a text nor messages with role and content (--prompt)")


def _is_message(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("role"), str)
        and bool(value.keys() & {"content", "tool_calls"})
    )


def _first(row: Mapping[str, Any], names: Sequence[str], option: str) -> str:
    for name in names:
        if name in row:
            return name
    raise CannotRunError(f"say {option} COLUMN; the rows have {', '.join(map(str, row))}")


def text_of(value: Any) -> str:
    """A value of a column as text: what JSON has, as JSON; dates and decimals as they print."""
    json_has = value is None or isinstance(value, bool | int | float | list | dict)
    return json.dumps(value, ensure_ascii=False, default=str) if json_has else str(value)
