"""People's names in DICOM headers, in Unicode.

Owns the rule for names without a stated character set: plain ASCII is what it says, anything else
could be any of a dozen encodings, so it is unknown rather than garbled.
"""

from io import BytesIO

from pydicom.charset import default_encoding
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
    if value is None:
        return None
    if not is_plain(str(value)) and value_of(header, "SpecificCharacterSet") is None:
        return None
    return printable(str(value)).rstrip("^=") or None


def is_plain(text: str) -> bool:
    """Whether a text says the same in every character set: ASCII, and no escape to another.

    Args:
        text: As pydicom reads it without a Specific Character Set.
    """
    return text.isascii() and "\x1b" not in text


def in_unicode(header: Dataset, unstated_character_set: str) -> Dataset:
    """A header whose texts say what they mean as far as anybody knows.

    Args:
        header: As pydicom reads it.
        unstated_character_set: What its sender writes without stating it; empty where nobody
            knows.

    Returns:
        The header itself where it states a character set or nobody knows one.
    """
    if not unstated_character_set or value_of(header, "SpecificCharacterSet") is not None:
        return header
    return in_character_set(header, unstated_character_set)


def in_character_set(header: Dataset, character_set: str) -> Dataset:
    """A header that states no character set, read again in the one its sender is known to use.

    Args:
        header: Without Specific Character Set. Elements nobody has looked at yet are taken byte
            by byte; of those that were, pydicom keeps each byte as a letter of Latin-1 but drops
            the escapes of Japanese and Korean.
        character_set: A defined term of DICOM, such as ``ISO_IR 144``; several parted by a back
            slash, as Japanese and Korean need.

    Returns:
        The header with texts of all levels in Unicode.
    """
    body, stated = DicomBytesIO(), DicomBytesIO()
    is_implicit, is_little = header.original_encoding
    is_implicit, is_little = is_implicit is not False, is_little is not False
    # Said so that pydicom copies the bytes it has not decoded yet, instead of decoding them.
    header.set_original_encoding(is_implicit, is_little, default_encoding)
    first = Dataset()
    first.SpecificCharacterSet = character_set.split("\\")
    for stream, part in ((stated, first), (body, header)):
        stream.is_little_endian, stream.is_implicit_VR = is_little, is_implicit
        write_dataset(stream, part)
    return read_dataset(
        BytesIO(stated.getvalue() + body.getvalue()),
        is_implicit_VR=is_implicit,
        is_little_endian=is_little,
    )
