"""The pages for people: what they link to and name exists, and the glossary stays short."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        *(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/*.md")),
    ]
)


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_links_to_and_names_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in link]
    missing = [link for link in links if not (ROOT / page).parent.joinpath(link).exists()]
    named = re.findall(r"`((?:common|examples|tests|docs)/[\w./-]+)`", text)
    missing += [name for name in named if "my_example" not in name and not (ROOT / name).exists()]
    assert not missing
    assert page not in ("README.md", "CONTRIBUTING.md", "docs/architecture.md") or links or named


def test_the_folders_of_the_picture_are_those_there_are() -> None:
    picture = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("```")[1]
    drawn = set(re.findall(r"^  (\w+)/", picture, re.MULTILINE)) - {"math_example", "trl_integration"}
    there = {path.parent.name for path in (ROOT / "common" / "proving_ground").glob("*/__init__.py")}
    assert drawn == there


def test_the_glossary_stays_short() -> None:
    glossary = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## Glossary")[2]
    words = re.findall(r"^\| ([\w@ -]+) \|", glossary, re.MULTILINE)[1:]
    assert 15 < len(words) <= 25 and words == sorted(words, key=str.lower)
