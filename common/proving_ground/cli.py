"""What the project can do, as commands: ``proving-ground COMMAND``, ``python -m proving_ground COMMAND``.

The step scripts of the examples run through here, too: this module imports nothing slow, so that whatever
goes wrong from then on, a missing package or Ctrl-C during an import included, ends in the promised form.
"""

import argparse
import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import proving_ground
from proving_ground.errors import CannotRunError, ClaimError, did_you_mean
from proving_ground.events import say, scrub

STAGES = {
    "prepare": "step 0: raw rows become samples, and a manifest that reproduces them",
    "local_eval": "step 1: reference answers score 1.0, wrong answers 0.0",
    "preview": "step 2: the evaluator preview gives the scores that the reward gives here",
    "regenerate": "step 3: a hosted model answers anew, and the reward scores what it writes",
    "train": "step 4: GRPO, and the proof that it taught the policy something",
    "measure": "pass@1 of any policy on the held-out prompts, and how much better it is than another",
}
"""The stages of an example: modules of ``proving_ground.stages``, each with its ``STAGE``."""

COMMANDS = {
    "prove": (
        "proving_ground.validation.command:main",
        "is this reward learnable, and can it be gamed? any reward, any rows",
    ),
    "rescore": (
        "proving_ground.validation.rescore:main",
        "a reward over completions that a run has kept: who wins and who loses by it",
    ),
    "report": ("proving_ground.report.__main__:main", "one page of what the last runs left"),
    "services": (
        "proving_ground.services.__main__:main",
        "a trained policy behind a local Fireworks, and a code sandbox",
    ),
}
"""Everything else: ``module:function``, which is given the words after the command."""


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit: 0 the claim holds, 1 it does not, 2 could not run, 130 Ctrl-C."""
    command, *words = (sys.argv[1:] if argv is None else [*argv]) or ["--help"]
    sys.exit(guarded(command, lambda: _run(command, words)))


def run_script(stage: str, file: str, description: str | None) -> NoReturn:
    """Run a stage of the example in whose folder the script ``file`` lies, and exit.

    The code of the script's own checkout runs, whatever copy of this project is installed.
    """
    script = Path(file).resolve()

    def run() -> int:
        _prefer_own_code(script.parent, [str(script), *sys.argv[1:]])
        return _run_stage(stage, script.parent, sys.argv[1:], description)

    sys.exit(guarded(stage, run))


def run_task(file: str) -> NoReturn:
    """Run a stage of the example whose ``task.py`` is ``file``, run as a script, and exit."""
    stage, *words = sys.argv[1:] or ["--help"]
    if stage not in ("--help", "-h", "help"):
        main([stage, str(Path(file).resolve().parent), *words])
    listed = "\n".join(f"  {name:<12} {text}" for name, text in STAGES.items() if name != "prepare")
    sys.stdout.write(f"{sys.argv[0]} STAGE [options]; each stage has --help\n\n{listed}\n")
    sys.exit(0)


def guarded(name: str, call: Callable[[], Any]) -> int:
    """The exit code of ``call``, which returns one or nothing; errors that are no bugs become one line."""
    try:
        return call() or 0
    except ClaimError as error:
        say(scrub(f"{name}: claim does not hold: {error}"))
        return 1
    except CannotRunError as error:
        say(f"error: {scrub(' '.join(str(error).split()))}")
        return 2
    except ModuleNotFoundError as error:
        say(f"error: {missing_package(error)}")
        return 2
    except KeyboardInterrupt:
        say(f"{name}: interrupted")
        return 130


def missing_package(error: ModuleNotFoundError) -> str:
    """What to do about a package that is not installed; the project's own modules are no such thing."""
    import importlib.metadata  # email and zipfile with it

    name = (error.name or "").split(".")[0]
    if name in ("proving_ground", "examples", ""):
        raise error
    own = importlib.metadata.distributions(name="proving-ground")
    lines = [line.replace("_", "-") for each in own for line in each.requires or []]
    wanted = re.compile(rf"{name.replace('_', '-')}(?![\w-]).* extra == .(\w+)")
    extras = sorted({found[1] for line in lines if (found := wanted.match(line))})
    return (
        f"the package {name!r} is missing; in a clone `make dev` makes an environment with everything,"
        f" elsewhere install proving-ground with the extra {' or '.join(extras) or 'that brings it'}"
    )


def _run(command: str, words: list[str]) -> int | None:
    if command in ("--help", "-h", "help"):
        return _list()
    if command in STAGES:
        if not words or words[0].startswith("-"):
            raise CannotRunError(f"say `{command} EXAMPLE`; {_known_examples()}")
        folder = _example_folder(words[0])
        _prefer_own_code(folder, ["-P", "-m", "proving_ground", command, *words])
        return _run_stage(command, folder, words[1:], None)
    if command in COMMANDS:
        module, _, function = COMMANDS[command][0].partition(":")
        code: int | None = getattr(importlib.import_module(module), function)(words)
        return code
    known = [*STAGES, *COMMANDS]
    meant = did_you_mean(command, known) or f"there are {', '.join(known)}"
    raise CannotRunError(f"{command!r} is no command; {meant}")


class OptionParser(argparse.ArgumentParser):
    """The options of one command (``prog`` is ``proving-ground COMMAND ...``): a mistake is one line."""

    def error(self, message: str) -> NoReturn:
        unknown = re.search(r"unrecognized arguments: (--[\w.-]+)", message)
        near = self.near(unknown[1]) if unknown else ""
        raise CannotRunError(
            f"{message.replace('unrecognized arguments:', f'{self.prog.split()[1]} takes no')};"
            f" {near or '--help lists the options'}"
        )

    def near(self, option: str) -> str:
        """What may have been meant by an option that is none."""
        return did_you_mean(option, self._option_string_actions)


def positive_int(text: str) -> int:
    """An option's whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"give a whole number of at least 1, not {text!r}")
    return int(text)


def _list() -> int:
    listed = {f"{name} EXAMPLE": text for name, text in STAGES.items()}
    listed |= {name: text for name, (_, text) in COMMANDS.items()}
    lines = [f"  {name:<20} {text}" for name, text in listed.items()]
    sys.stdout.write(
        "proving-ground COMMAND [options]; each command has --help\n\n" + "\n".join(lines) + "\n"
    )
    sys.stdout.write("\nEXAMPLE is a name in examples/, or the folder of a task.py and its config.json.\n")
    return 0


def project_root() -> Path:
    """The working directory if it holds ``examples``, or else the checkout that this code lies in."""
    here, checkout = Path.cwd(), Path(__file__).resolve().parents[2]
    return here if (here / "examples").is_dir() or not (checkout / "examples").is_dir() else checkout


def example_names(*files: str) -> list[str]:
    """The examples here: the folders that hold one of ``files``."""
    folder = project_root() / "examples"
    return sorted({path.parent.name for file in files for path in folder.glob(f"*/{file}")})


def _known_examples() -> str:
    folder, names = project_root() / "examples", example_names("task.py")
    return f"in {folder} there are {', '.join(names)}" if names else f"{folder} holds none"


def _example_folder(name: str) -> Path:
    for folder in (project_root() / "examples" / name, Path(name).resolve()):
        if (folder / "task.py").is_file():
            return folder
    meant = did_you_mean(name, example_names("task.py")) or _known_examples()
    raise CannotRunError(f"{name}: no example (a folder with task.py); {meant}")


def _run_stage(stage: str, folder: Path, argv: Sequence[str], description: str | None) -> int:
    module = importlib.import_module(f"proving_ground.stages.{stage}")
    code: int = module.STAGE.run(folder, description or module.__doc__, argv)
    return code


def _prefer_own_code(folder: Path, command: list[str]) -> None:
    """Start again with the example's checkout first on the path, if other code would be imported."""
    own, root = folder.parent, folder.parents[1]
    package = root / "common" / "proving_ground"
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
    os.execve(sys.executable, [sys.executable, *command], environ)
