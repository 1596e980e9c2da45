"""What the first segment says of a message, even of one that cannot be read otherwise.

Owns MSH and the headers of batches, byte by byte: whoever refuses a message must still name it.
"""

from dataclasses import dataclass

HEADERS = (b"MSH", b"FHS", b"BHS")
LONGEST_HEADER_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """MSH of a message as it stands there; empty where nothing does.

    Attributes:
        segment: MSH, FHS or BHS; empty where the bytes begin with neither.
        sending_application: MSH-3.
        sending_facility: MSH-4.
        receiving_application: MSH-5.
        receiving_facility: MSH-6.
        kind: MSH-9, type and event, such as ``ORU^R01``.
        control_id: MSH-10; of FHS and BHS their own control ID (field 11).
        processing_id: MSH-11.
        version: MSH-12.
        accept_wanted: MSH-15; with MSH-16 not empty, the enhanced mode.
        answer_wanted: MSH-16.
        character_set: MSH-18, the first.
    """

    segment: str = ""
    sending_application: str = ""
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""
    kind: str = ""
    control_id: str = ""
    processing_id: str = ""
    version: str = ""
    accept_wanted: str = ""
    answer_wanted: str = ""
    character_set: str = ""

    @property
    def is_enhanced(self) -> bool:
        """Whether the sender asks for the enhanced mode of acknowledgement."""
        return bool(self.accept_wanted or self.answer_wanted)


def header_of(content: bytes) -> Header:
    r"""The header of a message, as far as there is one.

    Args:
        content: The message, its beginning, or anything.

    Returns:
        The header; empty where there is none.

    Examples:
        >>> header_of(b"MSH|^~\\&|LAB||||||ORU^R01|17|P|2.5").control_id
        '17'
        >>> header_of(b"GET / HTTP/1.1").segment
        ''
    """
    content = content[:LONGEST_HEADER_BYTES].removeprefix(b"\xef\xbb\xbf")
    line = content.replace(b"\n", b"\r").split(b"\r")[0]
    if not line.startswith(HEADERS) or len(line) < len(b"MSH|^~\\&"):
        return Header()
    text = line.decode("utf-8", errors="replace")
    fields, component = text.split(text[3]), text[4]

    def said(place: int) -> str:
        # MSH-1 is the separator itself, so that MSH-n stands at n - 1.
        return fields[place - 1].strip() if len(fields) >= place else ""

    is_message = fields[0] == "MSH"
    return Header(
        segment=fields[0],
        sending_application=said(3),
        sending_facility=said(4),
        receiving_application=said(5),
        receiving_facility=said(6),
        kind="^".join(said(9).split(component)[:2]) if is_message else "",
        control_id=said(10) if is_message else said(11),
        processing_id=said(11).split(component)[0] if is_message else "",
        version=said(12).split(component)[0] if is_message else "",
        accept_wanted=said(15) if is_message else "",
        answer_wanted=said(16) if is_message else "",
        character_set=said(18).split(text[5])[0].strip() if is_message else "",
    )
