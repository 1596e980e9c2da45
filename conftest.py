"""The order of tests, and doctests without the train extra: those that need torch are skipped.

That hides no broken import: ``tests/test_architecture.py`` imports every module and accepts a
missing package only from the train extra, and only in ``learning``.
"""

from importlib.util import find_spec

import pytest

NEEDS = {
    "src/deeppcos/learning/risk/conformal.py": "sklearn",
    "src/deeppcos/research/figures/intervals.py": "scipy",
}
"""Modules whose examples call a package of an extra."""

collect_ignore = [path for path, package in NEEDS.items() if find_spec(package) is None]


def pytest_configure(config: pytest.Config) -> None:
    """Skip doctest modules that cannot be imported, only where torch is missing."""
    if find_spec("torch") is None:
        config.option.doctest_ignore_import_errors = True


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The site takes longest, so it goes first: at the end one worker would wait for it alone."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/test_site.py"))
