"""What the docstring of ``proving_ground.sandbox`` says a program cannot reach, line by line."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from observing import alive, report

from proving_ground.sandbox import Job, seccomp
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
    started = time.monotonic()
    result = sandbox.run(
        f"import os, time  {token}\nif os.fork() == 0:\n    os.setpgid(0, 0)\n    time.sleep(60)"
    )
    assert result.status == "finished"
    assert time.monotonic() - started < 5
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
    first, second = sandbox.run_many([Job(program), Job(program)])
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


def test_the_filter_knows_its_processors() -> None:
    assert seccomp.filter_program("x86_64") != seccomp.filter_program("aarch64")
    assert seccomp.filter_program("riscv64") is None


def test_no_secret_in_environment_or_descriptors(
    sandbox: LocalSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_TRAINER", "4711")
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
