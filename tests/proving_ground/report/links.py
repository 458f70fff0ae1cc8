"""Every link of a page, and those that lead nowhere."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """Collects what a page links to, its anchors, and its visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: list[str] = []
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("href", "src"):
                self.links.append(value or "")
            elif name == "id":
                self.anchors.append(value or "")

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)


def broken_links(page: Path) -> list[str]:
    """The page's links that lead to no file beside it and to no anchor in it; addresses among them."""
    parsed = Page(page.read_text(encoding="utf-8"))
    return [link for link in parsed.links if not _leads_somewhere(link, page, parsed.anchors)]


def _leads_somewhere(link: str, page: Path, anchors: list[str]) -> bool:
    parts = urlsplit(link)
    if link == "data:,":
        return True
    if parts.scheme or parts.netloc or parts.query or parts.path.startswith("/"):
        return False
    if not parts.path:
        return anchors.count(unquote(parts.fragment)) == 1
    return (page.parent / unquote(parts.path)).is_file()
