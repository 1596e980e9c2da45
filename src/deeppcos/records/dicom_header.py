"""What a chart and a report can use from a DICOM header.

Owns the two small records taken from the header and how their values are read. The pixels are
the business of ``dicom_images``. The patient's name and number are never read.
"""

import datetime as dt
import math
import re
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

KHZ_PER_MHZ = 1000.0

SECTION_PLANES = {
    ("SCT", "38717003"): "longitudinal",
    ("SRT", "G-A142"): "longitudinal",
    ("SCT", "30730003"): "longitudinal",  # sagittal: an ovary's length is sought there
    ("SCT", "62824007"): "transverse",
    ("SRT", "G-A117"): "transverse",
}
"""View codes of ultrasound (DICOM CID 12 and its legacy twins) and the plane each means."""

_AGE = re.compile(r"^(\d{1,3})([DWMY])$")
_YEARS_PER = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartHints:
    """Header values a chart may be checked against or filled from; None is unknown.

    Attributes:
        age_years: Patient's Age, or the years from birth date to study date.
        last_menstrual_date: Last Menstrual Date.
        study_date: Study Date.
        transducer_mhz: Transducer Frequency of the first region that states one, MHz.
        transducer_type: Transducer Type as coded, such as ``ENDOCAV_CLA``.
        laterality: ``L``, ``R`` or ``B`` as coded.
        section_plane: ``longitudinal`` or ``transverse`` as coded in the view.
        body_part: Body Part Examined, or the meaning of the coded anatomic region.
        manufacturer: Manufacturer.
        model: Manufacturer's Model Name.
    """

    age_years: float | None = None
    last_menstrual_date: dt.date | None = None
    study_date: dt.date | None = None
    transducer_mhz: float | None = None
    transducer_type: str | None = None
    laterality: str | None = None
    section_plane: str | None = None
    body_part: str | None = None
    manufacturer: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyIdentifiers:
    """The UIDs that tie a result to its image; empty where the file states none."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str


def chart_hints(header: Dataset) -> ChartHints:
    """Read the chart's hints.

    Args:
        header: A data set; malformed values count as absent.

    Returns:
        The hints.

    Examples:
        >>> header = Dataset()
        >>> header.PatientAge = "027Y"
        >>> chart_hints(header).age_years
        27.0
    """
    return ChartHints(
        age_years=_age_years(header),
        last_menstrual_date=date_of(header, "LastMenstrualDate"),
        study_date=date_of(header, "StudyDate"),
        transducer_mhz=_transducer_mhz(header),
        transducer_type=text_of(header, "TransducerType"),
        laterality=_laterality(header),
        section_plane=_section_plane(header),
        body_part=text_of(header, "BodyPartExamined") or _anatomic_region(header),
        manufacturer=text_of(header, "Manufacturer"),
        model=text_of(header, "ManufacturerModelName"),
    )


def study_identifiers(header: Dataset) -> StudyIdentifiers:
    """Read the UIDs of an image.

    Args:
        header: A data set.

    Returns:
        The identifiers.
    """
    return StudyIdentifiers(
        sop_class_uid=text_of(header, "SOPClassUID") or "",
        sop_instance_uid=text_of(header, "SOPInstanceUID") or "",
        study_instance_uid=text_of(header, "StudyInstanceUID") or "",
        series_instance_uid=text_of(header, "SeriesInstanceUID") or "",
    )


def value_of(header: Dataset, keyword: str) -> Any:
    """An element's value, or None when it is absent, empty or cannot be read as its type."""
    try:
        value = header.get(keyword)
    # pydicom converts on access, and raises what its many converters raise.
    except Exception:
        return None
    return None if value is None or value == "" else value


def text_of(header: Dataset, keyword: str) -> str | None:
    """An element as one printable line, or None: it may end in a message or a report."""
    value = value_of(header, keyword)
    text = printable(str(value)) if isinstance(value, str) else ""
    return text or None


def printable(text: str) -> str:
    r"""Text from a file without line breaks, terminal codes and padding.

    Args:
        text: Anything.

    Returns:
        One line of printable characters.

    Examples:
        >>> printable(" US\x1b[31m\n ")
        'US?[31m'
    """
    line = " ".join(text.strip(" \0").split())
    return "".join(character if character.isprintable() else "?" for character in line)


def number_of(header: Dataset, keyword: str) -> float | None:
    """An element as a finite number, or None."""
    return as_number(value_of(header, keyword))


def numbers_of(header: Dataset, keyword: str) -> tuple[float, ...] | None:
    """A multi-valued element as finite numbers, or None when any is not one."""
    value = value_of(header, keyword)
    if value is None:
        return None
    items = [value] if isinstance(value, str | int | float) else value
    try:
        numbers = [as_number(item) for item in items]
    except TypeError:
        return None
    known = tuple(number for number in numbers if number is not None)
    return known if len(known) == len(numbers) else None


def items_of(header: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; empty when it is absent or not a sequence."""
    value = value_of(header, keyword)
    try:
        return [item for item in value or [] if isinstance(item, Dataset)]
    except TypeError:
        return []


def as_number(value: object) -> float | None:
    """A finite number, or None."""
    if value is None or isinstance(value, bytes):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def date_of(header: Dataset, keyword: str) -> dt.date | None:
    """A DICOM date (YYYYMMDD), or None."""
    text = text_of(header, keyword)
    if text is None:
        return None
    try:
        return dt.datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None


def _age_years(header: Dataset) -> float | None:
    match = _AGE.match(text_of(header, "PatientAge") or "")
    if match:
        return round(int(match[1]) * _YEARS_PER[match[2]], 2)
    born, studied = date_of(header, "PatientBirthDate"), date_of(header, "StudyDate")
    if born is None or studied is None or studied < born:
        return None
    return round((studied - born).days / 365.25, 2)


def _transducer_mhz(header: Dataset) -> float | None:
    for region in items_of(header, "SequenceOfUltrasoundRegions"):
        khz = number_of(region, "TransducerFrequency")
        if khz is not None and khz > 0:
            return khz / KHZ_PER_MHZ
    return None


def _laterality(header: Dataset) -> str | None:
    stated = text_of(header, "ImageLaterality") or text_of(header, "Laterality")
    return stated if stated in {"L", "R", "B"} else None


def _section_plane(header: Dataset) -> str | None:
    """The plane of the view, when every view code that is known says the same."""
    views = items_of(header, "ViewCodeSequence")
    coded = [*views, *(m for v in views for m in items_of(v, "ViewModifierCodeSequence"))]
    keys = ((text_of(c, "CodingSchemeDesignator"), text_of(c, "CodeValue")) for c in coded)
    planes = {SECTION_PLANES[key] for key in keys if key in SECTION_PLANES}
    return planes.pop() if len(planes) == 1 else None


def _anatomic_region(header: Dataset) -> str | None:
    for item in items_of(header, "AnatomicRegionSequence"):
        return text_of(item, "CodeMeaning")
    return None
