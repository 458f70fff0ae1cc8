"""The report in a real browser: nothing on the console, nothing missing, no sideways scrolling on a phone."""

import functools
import html
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from proving_ground.report.__main__ import main
from tests.proving_ground.report.outputs import make_outputs

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--v=0",
]

pytestmark = pytest.mark.skipif(
    # CI must not pass for want of a browser.
    not BROWSER and not os.environ.get("CI"),
    reason="no chromium or google-chrome on this machine",
)

# A window cannot be made as narrow as a phone, a frame can; the questions are asked from around it.
AROUND = """<!doctype html><link rel="icon" href="data:,">
<iframe src="report/index.html" style="width: WIDTHpx; height: 30000px; border: 0"></iframe>
<script>
document.querySelector("iframe").onload = async event => {
  const page = event.target.contentDocument, root = page.documentElement;
  page.querySelectorAll("details").forEach(each => each.open = true);
  const files = [...page.querySelectorAll('a[href]:not([href^="#"])')];
  const missing = [];
  for (const each of files) if (!(await fetch(each.href, {method: "HEAD"})).ok) missing.push(each.href);
  document.body.dataset.seen = JSON.stringify({
    width: root.clientWidth, needs: root.scrollWidth, files: files.length, missing: missing,
    pictures: [...page.images].map(each => each.naturalWidth),
    ground: getComputedStyle(page.body).backgroundColor,
  });
};
</script>"""


@dataclass
class Seen:
    """What the browser saw: its answers, its console, and what the server had to refuse."""

    answers: dict[str, Any]
    console: list[str]
    refused: list[str]


@contextmanager
def serve(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder; yields its address and the list of paths that were asked for and are not there."""
    refused: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def log_error(self, *_: Any) -> None:
            refused.append(self.path)

    handler = functools.partial(Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", refused
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    examples, outputs = make_outputs(tmp_path)
    assert main(["--examples", str(examples), "--outputs", str(outputs)]) == 0
    return outputs


@pytest.fixture
def look(outputs: Path, tmp_path: Path) -> Callable[..., Seen]:
    def look(width: int, *options: str) -> Seen:
        (outputs / "around.html").write_text(AROUND.replace("WIDTH", str(width)))
        with serve(outputs) as (address, refused):
            command = [str(BROWSER), *QUIET, *options, f"--user-data-dir={tmp_path / 'profile'}"]
            command += ["--virtual-time-budget=10000", "--dump-dom", f"{address}/around.html"]
            ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        found = re.search(r'data-seen="([^"]*)"', ran.stdout)
        assert found, ran.stderr
        console = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
        return Seen(json.loads(html.unescape(found[1])), console, refused)

    return look


@pytest.mark.parametrize("width", [320, 390, 820, 1280])
def test_nothing_is_wrong_at_any_width(look: Callable[..., Seen], width: int) -> None:
    seen = look(width)
    assert seen.console == [] and seen.refused == [] and seen.answers["missing"] == []
    assert seen.answers["files"] > 5 and seen.answers["pictures"] == [1]
    assert seen.answers["width"] == width
    assert seen.answers["needs"] <= width, "the page scrolls sideways"


def test_light_and_dark_differ(look: Callable[..., Seen]) -> None:
    grounds = {look(390, *option).answers["ground"] for option in ((), ("--force-dark-mode",))}
    assert len(grounds) == 2


@pytest.mark.parametrize(
    ("old", "new", "trouble"),
    [
        ("<main>", "<main><script>nowhere()</script>", "console"),
        ('src="../busy/train/training_curve.png"', 'src="../busy/train/gone.png"', "refused"),
        ('href="../busy/train/training_curve.png"', 'href="../busy/train/gone.png"', "missing"),
        ("<main>", '<main><div style="width: 50rem">wide</div>', "needs"),
    ],
)
def test_the_browser_sees_what_is_wrong(
    look: Callable[..., Seen], outputs: Path, old: str, new: str, trouble: str
) -> None:
    page = outputs / "report" / "index.html"
    assert old in page.read_text()
    page.write_text(page.read_text().replace(old, new, 1))
    seen = look(390)
    found = {
        "console": any("nowhere" in line for line in seen.console),
        "refused": any("gone.png" in path for path in seen.refused),
        "missing": any("gone.png" in path for path in seen.answers["missing"]),
        "needs": seen.answers["needs"] > 390,
    }
    assert found[trouble]
