"""The same tests once more as an ordinary user, when the suite runs as root: the backend's other half."""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
USER = 60600  # nobody's, and none of those that root's sandboxes use
SUITES = (
    "tests/proving_ground/sandbox/test_sandbox_attacks.py",
    "tests/proving_ground/sandbox/test_sandbox_isolation.py",
    "tests/proving_ground/sandbox/test_sandbox_limits.py",
    "tests/proving_ground/sandbox/test_sandbox_local.py",
    "tests/proving_ground/rewards/test_code_reward.py::test_an_honest_program_scores_one",
)


@pytest.mark.skipif(os.geteuid() != 0, reason="already an ordinary user: the suites ran as one")
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: Path(suite.partition("::")[0]).stem)
def test_suite_as_an_ordinary_user(suite: str) -> None:
    """The interpreter may lie below root's home: the user gets it, the packages and the checkout in /opt."""
    packages = sysconfig.get_paths()["purelib"]
    command = ["bwrap", "--dev-bind", "/", "/", "--tmpfs", "/opt"]
    command += ["--chmod", "0755", "/opt", "--perms", "0755", "--dir", "/opt/python"]
    for part in ("bin", "lib"):
        command += ["--ro-bind", f"{sys.base_prefix}/{part}", f"/opt/python/{part}"]
    command += ["--ro-bind", packages, "/opt/packages", "--ro-bind", str(ROOT), "/opt/checkout"]
    command += ["--chdir", "/opt/checkout", "--tmpfs", "/tmp", "--chmod", "1777", "/tmp"]
    command += ["--", "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    python = f"/opt/python/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    command += [python, "-B", "-m", "pytest", "-q", "-pno:cacheprovider", "-pno:xdist", suite]
    # The attacks on call tests are about the harness, which does not know whose it is.
    command += ["-k", "not changes_nothing or stdio"]
    environment = {
        "PATH": "/usr/bin:/bin",
        "LD_LIBRARY_PATH": "/opt/python/lib",
        "PYTHONPATH": "/opt/packages:/opt/checkout:/opt/checkout/common",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) >= 7, done.stdout
