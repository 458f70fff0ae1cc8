"""Many requests at once: ``python tests/benchmarks/bench_services.py [--requests 1000] [--at-once 50]``.

Asks the gateway (before a stand-in for a policy that answers at once) and the code sandbox (a program that
prints one word), each ``--requests`` times, ``--at-once`` at a time, and their ``/health`` all the while.
Answers by status, seconds, the longest wait for ``/health``, and the service's memory before and after. A
table on stderr, one JSON line on stdout. The times are the machine's; that everything is answered is not.
"""

import argparse
import json
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


def children() -> set[int]:
    """Process ids that this process has started."""
    found = (path.read_text().split() for path in Path("/proc/self/task").glob("*/children"))
    return {int(name) for names in found for name in names}


def resident_mb(process: int) -> float:
    """Resident memory of a process in MB."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) / 1024


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

    before = resident_mb(process)
    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        half = count // 2
        list(pool.map(ask, range(half)))
        middle = resident_mb(process)
        list(pool.map(ask, range(count - half)))
    seconds = time.monotonic() - start
    stop.set()
    watcher.join()
    row = {
        "service": name,
        "requests": count,
        "at_once": at_once,
        "statuses": dict(statuses),
        "seconds": round(seconds, 1),
        "longest_health_seconds": round(max(waits, default=0.0), 2),
        "memory_mb": [round(each) for each in (before, middle, resident_mb(process))],
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
    if options.service != "code_sandbox":
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
    if options.service != "gateway":
        others = children()
        with serve_code_sandbox() as url:
            (process,) = children() - others
            measured("code_sandbox", f"{url}/run_code", PROGRAM, process, count, at_once)


if __name__ == "__main__":
    main()
