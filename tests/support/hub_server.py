"""A local server that speaks as much of the Hugging Face hub's HTTP protocol as reading a dataset needs.

Dataset repositories at one commit each: their files, the lists of them, and downloads with ranges. Each
writes down what it is asked, and fails when it is told to.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

Fault = int | str
"""A status to answer with; ``cut``: half of the body, then the connection ends."""


@dataclass
class Repository:
    """A dataset and how it behaves; ``log`` has one ``METHOD path`` for each request."""

    name: str
    commit: str
    files: Mapping[str, bytes]
    fault: Callable[[str, int], Fault | None] = lambda line, times: None
    """Of a request line and how often it was asked before: how it fails, or ``None``."""
    log: list[str] = field(default_factory=list)

    def entry(self, path: str) -> dict[str, object]:
        oid = hashlib.sha1(self.files[path]).hexdigest()
        return {"type": "file", "path": path, "size": len(self.files[path]), "oid": oid}

    def tree(self, folder: str, recursive: bool) -> list[dict[str, object]]:
        start = f"{folder}/" if folder else ""
        inside = [name for name in self.files if name.startswith(start)]
        if recursive:
            return [self.entry(name) for name in inside]
        below = sorted({start + name[len(start) :].split("/")[0] for name in inside} - set(inside))
        folders = [{"type": "directory", "path": name, "oid": "0" * 40} for name in below]
        return [*folders, *(self.entry(name) for name in inside if "/" not in name[len(start) :])]


@contextmanager
def serving(*repositories: Repository) -> Iterator[str]:
    """Serve the repositories on a free port of this machine; gives the address, for ``HF_ENDPOINT``."""
    by_name = {each.name: each for each in repositories}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            self.answer()

        do_HEAD = do_POST = do_GET  # noqa: N815 - the names that the base class looks for

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = unquote(urlsplit(self.path).path)
            found = re.fullmatch(r"/(api/)?datasets/([^/]+/[^/]+)(?:/([a-z-]+)/([^/]+)(?:/(.*))?)?", path)
            if found is None or (repo := by_name.get(found[2])) is None:
                return self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            line = f"{self.command} {path}"
            fault = repo.fault(line, repo.log.count(line))
            repo.log.append(line)
            _, _, kind, revision, name = found.groups()
            if isinstance(fault, int):
                code = {401: "GatedRepo", 403: "GatedRepo"}.get(fault, "")
                return self.send(fault, b'{"error": "as told"}', {"X-Error-Code": code} if code else None)
            if revision not in (None, "main", repo.commit):
                return self.send(404, b'{"error": "Invalid rev id"}', {"X-Error-Code": "RevisionNotFound"})
            if kind == "resolve":
                return self.send_file(repo, name, cut=fault == "cut")
            answer: object
            if kind == "tree":
                answer = repo.tree(name or "", "recursive=true" in urlsplit(self.path).query.lower())
            elif kind == "paths-info":
                answer = [repo.entry(each) for each in json.loads(body)["paths"] if each in repo.files]
            else:
                siblings = [{"rfilename": each} for each in repo.files]
                answer = {"id": repo.name, "sha": repo.commit, "siblings": siblings, "private": False}
            return self.send(200, json.dumps(answer).encode())

        def send_file(self, repo: Repository, name: str, cut: bool) -> None:
            if name not in repo.files:
                missing = {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": repo.commit}
                return self.send(404, b"Entry not found", missing)
            content = repo.files[name]
            headers = {"ETag": f'"{repo.entry(name)["oid"]}"', "X-Repo-Commit": repo.commit}
            if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
                first, last = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
                span = f"bytes {first}-{last}/{len(content)}"
                return self.send(206, content[first : last + 1], {**headers, "Content-Range": span}, cut)
            return self.send(200, content, {**headers, "Accept-Ranges": "bytes"}, cut)

        def send(
            self, status: int, body: bytes, headers: Mapping[str, str] | None = None, cut: bool = False
        ) -> None:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if cut else body)
            if cut:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
