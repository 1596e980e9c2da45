"""The embedded analytical engine: DuckDB over Parquet.

Owns connections and their limits. DuckDB (MIT) was chosen over Polars by measuring both:
``docs/evidence/archive-analytics.md``. What is asked of it is the business of ``cohort``.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from deeppcos.errors import ContractBroken

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY_LIMIT = "1200MB"
"""Beyond it the engine writes to the disk; a laptop keeps working."""


@contextmanager
def engine(
    *, threads: int | None = None, spill: Path | None = None
) -> "Iterator[DuckDBPyConnection]":
    """A connection that holds nothing of its own and asks nothing of the network.

    Args:
        threads: Threads; the cores of this machine when None.
        spill: Folder for what does not fit into memory; the system's own when None.

    Yields:
        The connection, closed afterwards.

    Raises:
        ContractBroken: If the ``research`` extra is not installed.
    """
    try:
        import duckdb
    except ModuleNotFoundError as missing:
        raise ContractBroken(
            "cohorts need the research extra",
            value=f"{missing.name} is not installed",
            accepted="duckdb",
            remedy="pip install 'deeppcos[research]'",
        ) from missing
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "threads": threads or os.cpu_count() or 1,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": False,
    }
    if spill is not None:
        settings["temp_directory"] = str(spill)
    connection = duckdb.connect(":memory:", config=settings)
    try:
        yield connection
    finally:
        connection.close()
