"""Doctests without the train extra: where torch is not installed, those that need it are skipped.

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
