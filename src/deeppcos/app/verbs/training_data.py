"""How a verb is told which data sets to learn from or to measure on.

Owns the two options that ``train``, ``evaluate`` and ``release`` share: a split is the same only
where the folders are, and in the same order.
"""

from pathlib import Path
from typing import Annotated

import typer

DataFolders = Annotated[
    list[Path],
    typer.Option(
        "--data",
        help="Folder of a data set, or of several; give it again for more. Patients of different "
        "folders are kept apart, copies across them found.",
    ),
]
DataLayout = Annotated[
    str,
    typer.Option("--layout", help="Layout of every folder named; found out when not given."),
]
