"""Looks at a page as a reviewer does: axe-core, every width, both colours, a picture to keep.

axe-core (MPL-2.0) is fetched by npm into a folder outside the repository and never shipped. With
DEEPPCOS_LOOK set to a folder, a picture of every page in every state is kept there.
"""

import os
import shutil
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

AXE = "axe-core@4.10.3"
AXE_FOLDER = Path(tempfile.gettempdir()) / "deeppcos-axe"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDTHS = {"desk": (1280, 800), "tablet": (820, 1180), "phone": (380, 760)}


@cache
def axe_script() -> str:
    """The checker's script; skips the test where it cannot be fetched."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed (Debian: apt install npm)")
    AXE_FOLDER.mkdir(exist_ok=True)
    package = AXE_FOLDER / f"{AXE.replace('@', '-')}.tgz"
    if not package.exists():
        with tempfile.TemporaryDirectory(dir=AXE_FOLDER) as folder:
            done = subprocess.run(
                [npm, "pack", AXE, "--silent"],
                cwd=folder, capture_output=True, encoding="utf-8", timeout=120, check=False,
            )  # fmt: skip
            if done.returncode != 0:
                pytest.skip(f"npm cannot fetch {AXE} here")
            next(Path(folder).glob("*.tgz")).replace(package)
    with tarfile.open(package) as archive:
        member = archive.extractfile("package/axe.min.js")
        assert member is not None
        return member.read().decode()


def violations(page: "Page") -> list[str]:
    """What axe finds against WCAG 2.2 A and AA, with where."""
    page.evaluate(axe_script())
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    return [
        f"{one['id']}: {node['html'][:140]} ({' '.join(node['failureSummary'].split())[:200]})"
        for one in found["violations"]
        for node in one["nodes"][:3]
    ]


def cut_off(page: "Page") -> list[str]:
    """What reaches beyond the right edge of the window, if the page scrolls sideways."""
    found: list[str] = page.evaluate(
        """() => {
          const wide = document.documentElement.scrollWidth - innerWidth;
          if (wide <= 0) return [];
          const far = [...document.querySelectorAll("body *")]
            .filter((one) => one.getBoundingClientRect().right > innerWidth + 1);
          return far.slice(-3).map((one) => `${wide} px: ${one.outerHTML.slice(0, 120)}`);
        }"""
    )
    return found


def spilled(page: "Page") -> list[str]:
    """What of the header lies below its lower edge, over the page."""
    found: list[str] = page.evaluate(
        """() => {
          const header = document.querySelector("header");
          if (!header) return [];
          const edge = header.getBoundingClientRect().bottom + 1;
          return [...header.querySelectorAll("a, p, select, button")]
            .filter((one) => one.getBoundingClientRect().bottom > edge)
            .map((one) => `spilled: ${one.outerHTML.slice(0, 100)}`).slice(0, 2);
        }"""
    )
    return found


def problems_of(page: "Page", base: str, addresses: dict[str, str]) -> list[str]:
    """Walk the pages and say what is wrong with each, by width and by colours."""
    wrong = []
    for name, address in addresses.items():
        _see(page, "desk", "light")
        page.goto(base + address)
        wrong += problems_here(page, name)
    return wrong


def problems_here(page: "Page", name: str) -> list[str]:
    """What is wrong with the page that is open; nothing is sent or loaded again."""
    _see(page, "desk", "light")
    _keep_picture(page, f"{name}-desk-light")
    wrong = [f"{name}, light: {one}" for one in violations(page)]
    for width in WIDTHS:
        _see(page, width, "light")
        wrong += [f"{name}, {width}: {one}" for one in (*cut_off(page), *spilled(page))]
        if width != "desk":
            _keep_picture(page, f"{name}-{width}-light")
    _see(page, "phone", "dark")
    _keep_picture(page, f"{name}-phone-dark")
    wrong += [f"{name}, phone, dark: {one}" for one in violations(page)]
    _see(page, "desk", "dark")
    _keep_picture(page, f"{name}-desk-dark")
    return wrong


def _see(page: "Page", width: str, colours: Any) -> None:
    across, down = WIDTHS[width]
    page.set_viewport_size({"width": across, "height": down})
    page.emulate_media(color_scheme=colours)
    # Charts take their new width in the frame after the window has its own.
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => "
        "requestAnimationFrame(() => setTimeout(done, 50))))"
    )


def _keep_picture(page: "Page", name: str) -> None:
    """A screenshot for whoever wants to look, where DEEPPCOS_LOOK names a folder."""
    folder = os.environ.get("DEEPPCOS_LOOK")
    if folder:
        page.screenshot(path=Path(folder) / f"{name.replace(' ', '-')}.png", full_page=True)
