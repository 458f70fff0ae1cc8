"""What the docstring of ``proving_ground.sandbox`` says a program cannot reach, line by line."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from observing import alive, at_once, report

from proving_ground.errors import InfrastructureError
from proving_ground.sandbox import Limits, SandboxSettings, launch, open_sandbox, seccomp
from proving_ground.sandbox.launch import own_uid
from proving_ground.sandbox.local import LocalSandbox


def test_only_the_system_and_the_program_are_visible(sandbox: LocalSandbox, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("secret")
    top = report(sandbox, "sorted(os.listdir('/'))")
    assert set(top) <= {"bin", "box", "dev", "lib", "lib64", "opt", "proc", "tmp", "usr"}
    assert report(sandbox, "sorted(os.listdir('/box'))") == ["main.py"]
    assert report(sandbox, "os.listdir('/tmp')") == []
    for hidden in (
        tmp_path / "file",
        Path(__file__),
        Path("/etc/passwd"),
        Path("/root"),
        Path("/home"),
        Path("/sys"),
    ):
        assert report(sandbox, f"os.path.exists({str(hidden)!r})") is False
    assert set(report(sandbox, "os.listdir('/usr')")) <= {"bin", "lib", "lib64"}


def test_tmp_is_the_only_writable_place(sandbox: LocalSandbox) -> None:
    setup = """
writable = []
for folder, _, _ in os.walk("/"):
    if folder.startswith("/proc"): continue
    try: open(folder + "/new", "w").close(); writable.append(folder)
    except OSError: pass
"""
    assert report(sandbox, "writable", setup) == ["/tmp"]
    for file in ("/box/main.py", "sys.executable"):
        path = file if file == "sys.executable" else repr(file)
        assert sandbox.run(f"import sys; open({path}, 'ab')").status == "error"


def test_the_program_sees_only_its_own_processes(sandbox: LocalSandbox) -> None:
    seen = report(sandbox, "sorted(int(name) for name in os.listdir('/proc') if name.isdigit())")
    assert seen == [1, 2, 3]


def test_what_it_leaves_behind_is_dead_when_run_returns(sandbox: LocalSandbox) -> None:
    token = f"# daemon {os.getpid()}"
    result = sandbox.run(
        f"import os, time  {token}\nif os.fork() == 0:\n    os.setpgid(0, 0)\n    time.sleep(3600)"
    )
    assert result.status == "finished"
    assert alive(token) == []


def test_a_killed_trainer_leaves_no_programs() -> None:
    token = f"# orphan {os.getpid()}"
    program = f"import time  {token}\ntime.sleep(60)"
    code = f"from proving_ground.sandbox.local import LocalSandbox\nLocalSandbox().run({program!r})"
    trainer = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 30
    while not alive(token) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive(token)
    trainer.kill()
    trainer.wait()
    while alive(token) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive(token) == []


def test_no_network_not_even_to_this_machine(sandbox: LocalSandbox) -> None:
    devices = "[line.split(':')[0].strip() for line in open('/proc/net/dev').readlines()[2:]]"
    assert report(sandbox, devices) == ["lo"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert (
            sandbox.run(f"import socket; socket.create_connection(('127.0.0.1', {port}))").status == "error"
        )
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0sandbox-test-" + str(os.getpid()))
        server.listen()
        program = f"import socket; socket.socket(socket.AF_UNIX).connect('\\0sandbox-test-{os.getpid()}')"
        assert sandbox.run(program).status == "error"


def test_no_privileges(sandbox: LocalSandbox) -> None:
    status = report(
        sandbox, "dict(line.split(':', 1) for line in open('/proc/self/status').read().splitlines())"
    )
    assert isinstance(status, dict)
    assert {status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"].strip() == "1"
    uid = report(sandbox, "[os.getuid(), os.geteuid(), os.getgid(), os.getegid()]")
    assert isinstance(uid, list) and len(set(uid)) == 1 and uid[0] != 0
    if os.geteuid() == 0:
        assert report(sandbox, "os.getgroups()") == []
        assert uid[0] in range(60700, 61100)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give each program a uid of its own")
def test_two_programs_at_one_time_have_two_uids(sandbox: LocalSandbox) -> None:
    # Both must be alive together: each waits longer than the other needs to start.
    program = "import os, time; print(os.getuid()); time.sleep(1)"
    first, second = at_once(sandbox, [program, program])
    assert first.stdout != second.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give each program a uid of its own")
def test_a_uid_in_use_is_not_given_out_again_by_another_process() -> None:
    code = "from proving_ground.sandbox.launch import own_uid\nwith own_uid() as uid: print(uid)"
    with own_uid() as mine, own_uid() as also_mine:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len({mine, also_mine, int(done.stdout)}) == 3


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("unshare", "libc.unshare(0x10000000)"),
        ("clone with a new user namespace", "libc.syscall(CLONE, 0x10000000 | 17, 0, 0, 0, 0)"),
        ("mount", "libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)"),
        ("ptrace", "libc.ptrace(0, 0, 0, 0)"),
        ("memfd_create", "libc.memfd_create(b'x', 0)"),
        ("shmget", "libc.shmget(0, 4096, 0o1600)"),
        ("keyctl", "libc.syscall(KEYCTL, 0, -4, 1)"),
        ("io_uring_setup", "libc.syscall(425, 1, 0)"),
    ],
)
def test_system_calls_that_open_more_kernel_are_refused(sandbox: LocalSandbox, name: str, call: str) -> None:
    numbers = {"x86_64": (56, 250), "aarch64": (220, 219)}.get(os.uname().machine)
    if numbers is None:
        pytest.skip(f"no system call filter for {os.uname().machine}")
    setup = f"libc = ctypes.CDLL(None, use_errno=True)\nCLONE, KEYCTL = {numbers}\nresult = {call}"
    assert report(sandbox, "[result, ctypes.get_errno()]", setup) == [-1, 1], name  # EPERM


def test_no_socket_family_but_unix(sandbox: LocalSandbox) -> None:
    """An allow list: families that ignore network namespaces (AF_VSOCK: a way to the host of a virtual
    machine) or are kernel code that nobody needs here cannot be made."""
    setup = """
made = []
for family in range(64):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        try: socket.socket(family, kind).close(); made.append(family)
        except OSError: pass
pair = [s.fileno() > 0 for s in socket.socketpair()]
"""
    assert report(sandbox, "[sorted(set(made)), pair]", setup) == [[1], [True, True]]
    with_network = sandbox.run(
        f"import json, socket\n{setup}\nprint(json.dumps(sorted(set(made))))", limits=Limits(network=True)
    )
    assert json.loads(with_network.stdout) == [1, 2, 10]


def test_nothing_outlives_a_run_in_the_kernel_or_is_seen_by_another(sandbox: LocalSandbox) -> None:
    """Message queues, semaphores and sessions; locks, leases and watches on files that two programs see."""
    setup = """
libc = ctypes.CDLL(None, use_errno=True)
import errno, fcntl
MQ_OPEN = {"x86_64": 240, "aarch64": 180}[os.uname().machine]
def code(call):
    try: result = call()
    except OSError as error: return errno.errorcode[error.errno]
    return "allowed" if result != -1 else errno.errorcode[ctypes.get_errno()]
file = open(sys.executable, "rb")
lock = lambda command: fcntl.fcntl(file, command, b"\\0" * 32)
codes = {
    "semget": code(lambda: libc.semget(0, 1, 0o1600)),
    "msgget": code(lambda: libc.msgget(0, 0o1600)),
    "mq_open": code(lambda: libc.syscall(MQ_OPEN, b"x", 0o102, 0o600, None)),
    "setsid": code(os.setsid),
    "inotify": code(lambda: libc.inotify_init1(0)),
    "flock": code(lambda: fcntl.flock(file, fcntl.LOCK_SH)),
    "setlk": code(lambda: lock(fcntl.F_SETLK)),
    "getlk": code(lambda: lock(fcntl.F_GETLK)),
    "ofd": code(lambda: lock(fcntl.F_OFD_SETLK)),
    "lease": code(lambda: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)),
    "getfl": code(lambda: fcntl.fcntl(file, fcntl.F_GETFL)),
}
"""
    refused = dict.fromkeys(("semget", "msgget", "mq_open", "setsid", "inotify"), "EPERM")
    locks = dict.fromkeys(("flock", "setlk", "getlk", "ofd", "lease"), "ENOLCK")
    assert report(sandbox, "codes", setup) == {**refused, **locks, "getfl": "allowed"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give each program a uid of its own")
def test_uids_cannot_be_squatted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They are reserved where only root may enter; a folder that another user made is refused."""
    with own_uid() as uid:
        assert (launch._RESERVATIONS / str(uid)).exists()
        assert launch._RESERVATIONS.stat().st_mode & 0o077 == 0
    for mode, owner in ((0o777, 0), (0o700, 60600)):
        folder = tmp_path / f"{mode}"
        folder.mkdir()
        folder.chmod(mode)
        os.chown(folder, owner, owner)
        monkeypatch.setattr(launch, "_RESERVATIONS", folder)
        with pytest.raises(InfrastructureError, match="only root"), own_uid():
            pass


def test_the_settings_that_a_stage_uses_let_no_network_through() -> None:
    """Through the door that examples use, not through the launcher."""
    sandbox = open_sandbox(SandboxSettings(workers=1))
    with socket.create_server(("127.0.0.1", 0)) as server:
        program = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}))"
        assert sandbox.run(program).status == "error"
        assert [result.status for result in sandbox.run_each(program, ["", ""])] == ["error", "error"]
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
        with_network = sandbox.run(program, limits=Limits(network=True))
        assert with_network.status == "finished", "the probe itself works"


def test_the_filter_knows_its_processors() -> None:
    assert seccomp.filter_program("x86_64") != seccomp.filter_program("aarch64")
    assert seccomp.filter_program("riscv64") is None


def test_no_secret_in_environment_or_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_TRAINER", "4711")
    sandbox = LocalSandbox()  # one that was launched before the secret was there would prove nothing
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        everything = """
found = ""
for pid in (1, 2):
    for name in ("environ", "cmdline"):
        try: found += open(f"/proc/{pid}/{name}").read()
        except OSError: pass
"""
        assert "4711" not in str(report(sandbox, "found + str(os.environ)", everything))
        # The fourth is the one that lists the folder.
        assert report(sandbox, "sorted(map(int, os.listdir('/proc/self/fd')))") == [0, 1, 2, 3]
    finally:
        os.close(read)
        os.close(write)
