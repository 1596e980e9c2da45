"""How a verb is told which data sets to learn from or to measure on.

Owns the options that ``train``, ``evaluate`` and ``release`` share: a split is the same only
where the folders are, and in the same order.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deeppcos.learning.samples import Sample

DataFolders = Annotated[
    list[Path],
    typer.Option(
        "--data",
        help="Folder of a data set, or of several; give it again for more. Patients of different "
        "folders are kept apart, copies across them found.",
    ),
]
FrozenTest = Annotated[
    Path | None,
    typer.Option(
        "--frozen", help="A frozen test set: its patients are left out, wherever they occur."
    ),
]
DataLayout = Annotated[
    str,
    typer.Option("--layout", help="Layout of every folder named; found out when not given."),
]


def left_to_learn(samples: Sequence["Sample"], frozen: Path | None) -> list["Sample"]:
    """Everything but the patients of a frozen test set.

    Args:
        samples: Everything there is.
        frozen: File of the test set, or None.

    Returns:
        What training may see.
    """
    from deeppcos.learning.gate.frozen import read_frozen, without_test_patients

    return without_test_patients(None if frozen is None else read_frozen(frozen), samples)
