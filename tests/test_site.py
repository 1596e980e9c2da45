"""The site of the documents: every page can be reached, it builds without a warning, alone.

Owns the tests of ``docs`` as a site. What the pages say is held in ``test_docs.py``.
"""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
NOTEBOOKS = DOCS / "notebooks"
TOCTREE = re.compile(r"^```\{toctree\}[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
ASKED_FOR = re.compile(
    r"""<(?:script|img|iframe|link|source|video)\b[^>]*?\b(?:src|href)=["'](?:https?:)?//[^"']+"""
)
FROM_STYLE = re.compile(r"""(?:@import\s+|url\()\s*(?:url\()?["']?(?:https?:)?//[^"')]+""")
MADE_WHILE_BUILDING = ("reference/commands", "reference/python")


def entries(page: Path) -> list[str]:
    """What the toctrees of a page list, without options."""
    listed = "\n".join(TOCTREE.findall(page.read_text(encoding="utf-8"))).splitlines()
    return [line.strip() for line in listed if line.strip() and not line.startswith(":")]


def pages_of(page: Path) -> set[Path]:
    """Pages that a page's toctrees lead to; entries may be patterns."""
    return {
        Path(os.path.normpath(found))
        for entry in entries(page)
        for found in page.parent.glob(f"{entry}.md")
        if found != page
    }


def reachable(start: Path) -> set[Path]:
    """Every page that a reader can come to from ``start`` by the tables of contents."""
    seen, waiting = {start}, [start]
    while waiting:
        for page in pages_of(waiting.pop()) - seen:
            seen.add(page)
            waiting.append(page)
    return seen


def test_every_page_is_in_a_table_of_contents() -> None:
    pages = set(DOCS.rglob("*.md"))
    outside = {str(page.relative_to(DOCS)) for page in pages - reachable(DOCS / "index.md")}
    made = {f"{name}.md" for name in MADE_WHILE_BUILDING}
    assert outside - made == set(), "list them in docs/how-to/index.md or docs/reference/index.md"


@pytest.mark.parametrize(
    "page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS))
)
def test_every_entry_of_a_table_of_contents_leads_somewhere(page: Path) -> None:
    empty = [entry for entry in entries(page) if not list(page.parent.glob(f"{entry}.md"))]
    made = [
        entry
        for entry in empty
        if os.path.normpath(page.parent.relative_to(DOCS) / entry) in MADE_WHILE_BUILDING
    ]
    assert [entry for entry in empty if entry not in made] == []


def test_every_notebook_is_in_the_index_and_says_what_it_is_made_of() -> None:
    notebooks = {path for path in NOTEBOOKS.glob("*.md") if path.name != "index.md"}
    assert len(notebooks) >= 5
    assert notebooks == pages_of(NOTEBOOKS / "index.md")
    for path in notebooks:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("---\nfile_format: mystnb\n"), path.name
        assert re.search(r"simulated|phantom", text, re.IGNORECASE), path.name


@pytest.mark.parametrize(
    ("page", "asks"),
    [
        ('<script src="https://cdn.example/x.js"></script>', True),
        ('<link rel="stylesheet" href="//fonts.example/a.css">', True),
        ('<script src="_static/x.js"></script>', False),
        ('<a href="https://example.org">a link to follow</a>', False),
    ],
    ids=["script", "style", "own-script", "link"],
)
def test_what_a_page_would_fetch_is_told_from_what_it_links_to(page: str, asks: bool) -> None:
    assert bool(ASKED_FOR.search(page)) is asks


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built in a folder of its own, every notebook run."""
    needed = (
        "sphinx",
        "myst_nb",
        "furo",
        "sphinx_copybutton",
        "sphinx_design",
        "duckdb",
        "sklearn",
    )
    absent = [name for name in needed if importlib.util.find_spec(name) is None]
    if absent:
        pytest.skip(f"no {', '.join(absent)}: pip install 'deeppcos[docs,research,risk]'")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "-b", "html", "-d", f"{folder / 'trees'}"]
    command += ["-D", f"nb_execution_cache_path={folder / 'notebooks'}"]
    command += [str(DOCS), str(folder / "html")]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert run.returncode == 0, run.stderr[-4000:]
    return folder / "html"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_site_builds_without_a_warning_and_every_notebook_ran(site: Path) -> None:
    for path in NOTEBOOKS.glob("[0-9]*.md"):
        page = (site / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
        assert "cell_output" in page, f"{path.name} has no output"
        assert "Traceback" not in page, path.name


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_page_asks_a_network_for_anything(site: Path) -> None:
    asked = {
        f"{page.relative_to(site)}: {found}"
        for page in site.rglob("*.html")
        for found in ASKED_FOR.findall(page.read_text(encoding="utf-8"))
        if 'rel="canonical"' not in found
    }
    asked |= {
        f"{style.relative_to(site)}: {found}"
        for style in site.rglob("*.css")
        for found in FROM_STYLE.findall(style.read_text(encoding="utf-8"))
    }
    assert asked == set()
