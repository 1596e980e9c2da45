"""How thick the section of an image is, as the site states it of its probes.

Owns the comparison of an image's header with the tables ``[[probes]]``. What a thickness is for is
the business of ``records.dicom_segmentation``.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from deeppcos.app.connections.tables import ProbeTable

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

KEYWORDS = {
    "stations": "StationName",
    "models": "ManufacturerModelName",
    "transducers": "TransducerData",
}
"""Key of the table, and the element of the header it is compared with."""


def section_thicknesses(
    files: Mapping[str, Path], probes: Iterable[ProbeTable]
) -> dict[str, float]:
    """The thickness of each file a table speaks of, mm.

    Args:
        files: Name and place of each file.
        probes: The tables, the first that fits counts.

    Returns:
        By name; a file nobody speaks of, or that is no DICOM, is not in it.
    """
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    tables = tuple(probes)
    found: dict[str, float] = {}
    for name, path in files.items() if tables else ():
        try:
            header = dcmread(path, stop_before_pixels=True, specific_tags=list(KEYWORDS.values()))
        except (InvalidDicomError, OSError, ValueError, KeyError, NotImplementedError):
            continue
        fitting = next((one for one in tables if _fits(one, header)), None)
        if fitting is not None:
            found[name] = fitting.slice_mm
    return found


def _fits(table: ProbeTable, header: "Dataset") -> bool:
    """Whether a header has one of the values of every key; a list that is empty asks nothing."""
    return all(
        not getattr(table, key) or set(getattr(table, key)) & _words(header, keyword)
        for key, keyword in KEYWORDS.items()
    )


def _words(header: "Dataset", keyword: str) -> set[str]:
    """The values of an element; what it does not state fits nothing."""
    stated = header.get(keyword)
    if stated is None:
        return set()
    values = [stated] if isinstance(stated, str) else list(stated)
    return {str(one).strip() for one in values} - {""}
