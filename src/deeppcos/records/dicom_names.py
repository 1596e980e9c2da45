"""People's names in DICOM headers, in Unicode.

Owns the rule for names without a stated character set: plain ASCII is what it says, anything else
could be any of a dozen encodings, so it is unknown rather than garbled.
"""

from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

from deeppcos.records.dicom_header import printable, value_of


def name_of(header: Dataset, keyword: str) -> str | None:
    r"""A person's name as DICOM writes it.

    Args:
        header: A data set.
        keyword: An element of value representation PN.

    Returns:
        Components parted by ``^``, and after ``=`` the ideographic and phonetic groups; None when
        absent, malformed, or in letters beyond ASCII without a Specific Character Set.

    Examples:
        >>> header = Dataset()
        >>> header.PatientName = "Doe^Jane"
        >>> name_of(header, "PatientName")
        'Doe^Jane'
    """
    value = value_of(header, keyword)
    name = printable(str(value)).rstrip("^=") if value is not None else ""
    if not name.isascii() and value_of(header, "SpecificCharacterSet") is None:
        return None
    return name or None


def in_character_set(header: Dataset, character_set: str) -> Dataset:
    """A header that states no character set, read again in the one its sender is known to use.

    Args:
        header: Without Specific Character Set, as pydicom reads it: each byte a letter of
            Latin-1, which loses nothing.
        character_set: A defined term of DICOM, such as ``ISO_IR 144``.

    Returns:
        The header with texts of all levels in Unicode.
    """
    body, stated = DicomBytesIO(), DicomBytesIO()
    first = Dataset()
    first.SpecificCharacterSet = character_set
    for stream, part in ((stated, first), (body, header)):
        stream.is_little_endian, stream.is_implicit_VR = True, True
        write_dataset(stream, part)
    return read_dataset(
        BytesIO(stated.getvalue() + body.getvalue()), is_implicit_VR=True, is_little_endian=True
    )
