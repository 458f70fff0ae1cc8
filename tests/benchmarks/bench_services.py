"""Many requests at once: ``python tests/benchmarks/bench_services.py [--requests 1000] [--at-once 50]``.

Asks the gateway (before a stand-in for a policy that answers at once) and the code sandbox (a program that
prints one word), each ``--requests`` times, ``--at-once`` at a time, and their ``/health`` all the while.
Answers by status, seconds, the longest wait for ``/health``, and what the service holds before the first, in
the middle and after the last request: memory, descriptors, processes below it, entries in its temporary
folder; and what is left of these once it has ended. A table on stderr, one JSON line on stdout. The times are
the machine's; that everything is answered and nothing grows is not.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from proving_ground.events import emit, say
from proving_ground.services.servers import serve_code_sandbox, serve_gateway

CHAT = {"model": "m", "messages": [{"role": "user", "content": "?"}], "max_tokens": 8}
PROGRAM = {
    "code": "print('yes')",
    "language": "python",
    "stdin": "",
    "run_timeout": 30,
    "compile_timeout": 10,
    "memory_limit_MB": 256,
    "files": {},
}
COMPLETION = {
    "id": "c",
    "object": "chat.completion",
    "created": 0,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "4"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


class Policy(BaseHTTPRequestHandler):
    """Answers at once, and keeps its connections."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.answer({})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(COMPLETION)

    def answer(self, value: dict[str, Any]) -> None:
        content = json.dumps(value).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        self.wfile.write(head.encode() + content)

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """One that lets as many wait as a real server does."""

    request_queue_size = 512


def children(process: int | str = "self") -> set[int]:
    """Process ids that a process has started and that are there."""
    found = (path.read_text().split() for path in Path(f"/proc/{process}/task").glob("*/children"))
    return {int(name) for names in found for name in names}


def below(process: int) -> set[int]:
    """All processes that descend from one."""
    return {pid for child in children(process) for pid in (child, *below(child))}


def alive(process: int) -> bool:
    """Whether a process is there and has not ended: one that nobody waits for is not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def holds(process: int) -> dict[str, int]:
    """What a service holds: resident memory in MB, descriptors, processes, entries of ``TMPDIR``."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return {
        "memory_mb": round(int(status["VmRSS"].split()[0]) / 1024),
        "descriptors": len(list(Path(f"/proc/{process}/fd").iterdir())),
        "processes": len(below(process)),
        "temporary": len(list(Path(tempfile.gettempdir()).rglob("*"))),
    }


def measured(name: str, url: str, body: Any, process: int, count: int, at_once: int, key: str = "") -> None:
    """Ask ``count`` times, and say what came back."""
    local = threading.local()
    statuses: Counter[str] = Counter()
    waits: list[float] = []
    stop = threading.Event()

    def ask(_: int) -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        try:
            headers = {"Authorization": f"Bearer {key}"}
            answer = local.session.post(url, json=body, headers=headers, timeout=600)
            statuses[str(answer.status_code)] += 1
        except requests.RequestException as error:
            statuses[type(error).__name__] += 1

    def watch() -> None:
        health = "/".join(url.split("/")[:3]) + "/health"
        while not stop.wait(0.5):
            start = time.monotonic()
            if not requests.get(health, timeout=60).ok:
                statuses["unhealthy"] += 1
            waits.append(time.monotonic() - start)

    held = [holds(process)]
    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        half = count // 2
        list(pool.map(ask, range(half)))
        held.append(holds(process))
        list(pool.map(ask, range(count - half)))
    seconds = time.monotonic() - start
    stop.set()
    watcher.join()
    time.sleep(1.0)  # what serves the next program may be in the making
    held.append(holds(process))
    row = {
        "service": name,
        "requests": count,
        "at_once": at_once,
        "statuses": dict(statuses),
        "seconds": round(seconds, 1),
        "longest_health_seconds": round(max(waits, default=0.0), 2),
        **{name: [each[name] for each in held] for name in held[0]},
    }
    emit("services", **row)
    say("  ".join(f"{key} {value}" for key, value in row.items()))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=1000, metavar="N")
    parser.add_argument("--at-once", type=int, default=50, metavar="N")
    parser.add_argument("--service", choices=("gateway", "code_sandbox", "both"), default="both")
    options = parser.parse_args()
    count, at_once = options.requests, options.at_once
    with tempfile.TemporaryDirectory() as folder:
        # Of this process, whose temporary files would be counted with theirs, and of the services.
        tempfile.tempdir = os.environ["TMPDIR"] = folder
        compare(options.service, count, at_once)
        say(f"left in the temporary folder: {sorted(path.name for path in Path(folder).iterdir())}")


def compare(which: str, count: int, at_once: int) -> None:
    """Measure the services asked for."""
    if which != "code_sandbox":
        policy = Server(("127.0.0.1", 0), Policy)
        threading.Thread(target=policy.serve_forever, daemon=True).start()
        upstream = f"http://127.0.0.1:{policy.server_address[1]}"
        with tempfile.TemporaryDirectory() as folder:
            with serve_gateway(upstream, journal=Path(folder) / "journal.jsonl") as gateway:
                chat, key = (
                    f"{gateway.url}/inference/v1/chat/completions",
                    gateway.environment["FIREWORKS_API_KEY"],
                )
                measured("gateway", chat, CHAT, gateway.process.pid, count, at_once, key)
            answered = sum(1 for _ in gateway.journal.open())
            say(f"  {answered} lines in the journal")
    if which != "gateway":
        others = children()
        with serve_code_sandbox() as url:
            (process,) = children() - others
            measured("code_sandbox", f"{url}/run_code", PROGRAM, process, count, at_once)
            started = below(process)
        time.sleep(1.0)
        say(f"  alive after the service's end: {sorted(pid for pid in started if alive(pid))}")


if __name__ == "__main__":
    main()
