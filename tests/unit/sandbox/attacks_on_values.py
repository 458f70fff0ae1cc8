"""Programs that try to pass a call test without solving it. Each must score 0.

The task: ``solve(text)`` returns ``answer(text)`` of ``attacks_on_output``. The harness that calls it shares the
program's process, so the program may do with it what it likes; it still has to say the answer.
"""

from attacks_on_output import MARK, THIEF, answer

__all__ = ["MARK", "VALUE_ATTACKS", "answer"]

RIGHT = """
import hashlib
def right(text): return "EXPECTED" + "-" + hashlib.md5(text.encode()).hexdigest()
"""

CHANNEL = """
import os, sys
def say(*lines):
    for fd in range(3, 64):
        try: os.write(fd, b"".join(line + b"\\n" for line in lines))
        except OSError: pass
"""

ALWAYS_EQUAL = """
class Equal(@BASE@):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
def solve(text): return Equal(@ARGUMENT@)
"""


def _equal(base: str, argument: str = "") -> str:
    return ALWAYS_EQUAL.replace("@BASE@", base).replace("@ARGUMENT@", argument)


VALUE_ATTACKS = {
    "no function": "x = 1",
    "not Python": "def solve(text) return text",
    "exit at import": "raise SystemExit(0)",
    "os._exit at import": "import os; os._exit(0)",
    "exit in the call": "def solve(text): raise SystemExit(0)",
    "os._exit in the call": "import os\ndef solve(text): os._exit(0)",
    "equal to everything": _equal("object"),
    "str equal to everything": _equal("str", "'x'"),
    "int equal to everything": _equal("int"),
    "list equal to everything": _equal("list"),
    "dict equal to everything": _equal("dict"),
    "the answer in a list": RIGHT + "def solve(text): return [right(text)]",
    "the answer as bytes": RIGHT + "def solve(text): return right(text).encode()",
    "a generator of the answer": RIGHT + "def solve(text): yield right(text)",
    "a coroutine with the answer": RIGHT + "async def solve(text): return right(text)",
    "print the answer, return nothing": RIGHT + "def solve(text): print(right(text))",
    "not a number": "def solve(text): return float('nan')",
    "infinite": "def solve(text): return float('inf')",
    "deeply nested": "def solve(text):\n    x = []\n    for _ in range(900): x = [x]\n    return x",
    "too deeply nested": "def solve(text):\n    x = []\n    for _ in range(10**5): x = [x]\n    return x",
    "circular": "def solve(text):\n    x = []\n    x.append(x)\n    return x",
    "very long": "def solve(text): return 'x' * (50 << 20)",
    "a number of many digits": "def solve(text): return 1 << 100000",
    "walk the frames": "import sys\ndef solve(text):\n    frame = sys._getframe()\n    while frame:\n"
    "        for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):\n"
    "            if isinstance(value, list): value.clear()\n"
    "            if isinstance(value, dict) and 'expected' in value: return value['expected']\n        frame = frame.f_back",
    "search the collector": "import gc\ndef solve(text):\n    for value in gc.get_objects():\n"
    "        if isinstance(value, dict) and 'expected' in value: return value['expected']\n"
    "        if isinstance(value, dict) and 'passed' in value: value['passed'] = True",
    "search everywhere for the answer": "def solve(text):\n"
    + "".join(
        f"    {line}\n"
        for line in THIEF.replace("print(*", "return ''.join(").replace(', sep="\\n"', "").splitlines()
    ),
    "patch json": "import json\njson.dumps = lambda *a, **k: '{\"value\": true}'\ndef solve(text): return 0",
    "patch json to say several things": 'import json\njson.dumps = lambda *a, **k: \'{"value": 1}\\n{"value": 2}\'\n'
    "def solve(text): return 0",
    "patch the builtins": "import builtins\nbuiltins.getattr = lambda *a: (lambda *b: True)\nbuiltins.Exception = BaseException\n"
    "def solve(text): return True",
    "replace modules": "import sys, types\nfor name in ('json', 'os', 'importlib'): sys.modules[name] = types.ModuleType(name)\n"
    "def solve(text): return True",
    "redefine the checker": "import __main__, sys\n__main__.main = __main__.same_value = lambda *a: True\n"
    "def same_value(*a): return True\ndef solve(text): return True",
    "forge result lines": CHANNEL + "say(b'{\"value\": true}', b'{\"value\": 1}'); os._exit(0)",
    "forge a pass": CHANNEL + "say(b'{\"passed\": true}', b'{\"score\": 1.0}', b'PASS'); os._exit(0)",
    "forge numbers": CHANNEL + "say(b'{\"value\": NaN}', b'{\"value\": 1e999}'); os._exit(0)",
    "forge brackets": CHANNEL + "say(b'[' * 100000, b'{\"value\": ' * 9999); os._exit(0)",
    "forge bytes": CHANNEL + "say(b'\\xff\\xfe\\x00', b'\\x00'); os._exit(0)",
    "forge half a line": CHANNEL + RIGHT + "def solve(text):\n    for fd in range(3, 64):\n"
    "        try: os.write(fd, b'{\"value\": \"' + right(text).encode() + b'\"}')\n        except OSError: pass\n"
    "    os._exit(0)",
    "forge many lines and hope": CHANNEL + "def solve(text):\n"
    "    say(*[b'{\"value\": %d}' % n for n in range(999)]); os._exit(0)",
    "say it late, at exit": CHANNEL
    + "import atexit\natexit.register(say, b'{\"value\": true}')\ndef solve(text): return 0",
    "say it late, in a thread": CHANNEL
    + "import threading, time\ndef late():\n    time.sleep(0.2); say(b'{\"value\": true}')\n"
    "threading.Thread(target=late).start()\ndef solve(text): time.sleep(0.4)",
    "say it late, when collected": CHANNEL
    + "class Late:\n    def __del__(self): say(b'{\"value\": true}')\nlate = Late()\n"
    "def solve(text): return 0",
    "hang in the call": "def solve(text):\n    while True: pass",
    "hang at import": "while True: pass",
    "fork in the call": "import os\ndef solve(text):\n    os.fork(); os.fork(); os.fork()\n    return True",
    "flood the results": CHANNEL + "def solve(text):\n    while True: say(b'x' * 100000)",
    "close the results": "import os\nos.closerange(0, 64)\ndef solve(text): return True",
    "segfault in the call": "import ctypes\ndef solve(text): ctypes.string_at(0)",
    "recurse to death in the call": "import sys\nsys.setrecursionlimit(10**9)\ndef solve(text): return solve(text)",
    "a fence inside": "def solve(text): return '''\n```\n'''",
}
