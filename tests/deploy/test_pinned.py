"""What a server installs is pinned, all of it, to versions that the project allows."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / "constraints" / "web.txt"
EXTRAS = ("web", "postgres", "records", "research")
"""The extras of a server that talks to other systems and shows cohorts."""


def pinned() -> dict[str, str]:
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    told = [Requirement(line) for line in lines if line and not line.startswith("#")]
    for one in told:
        [exact] = one.specifier
        assert exact.operator == "==", f"{one} is not pinned to one version"
        assert "*" not in exact.version
    return {canonicalize_name(one.name): next(iter(one.specifier)).version for one in told}


def wanted() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][e] for e in EXTRAS)]
    return [Requirement(line) for line in dict.fromkeys(line for one in lists for line in one)]


@pytest.mark.parametrize("requirement", wanted(), ids=lambda one: str(one).replace(" ", ""))
def test_what_a_server_needs_is_pinned_to_a_version_that_fits(requirement: Requirement) -> None:
    version = pinned().get(canonicalize_name(requirement.name))
    assert version is not None, "renew constraints/web.txt (docs/security.md)"
    assert requirement.specifier.contains(version, prereleases=True)


def test_the_scan_is_documented_for_the_file_that_is_installed() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    assert "pip-audit -r constraints/web.txt" in text
    images = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert "-c constraints/web.txt" in images
