"""Messages that a fuzz run broke the reader with, and what is said of them now."""

import pytest

pytest.importorskip("hl7", reason="the records extra is not installed")

from deeppcos.records.hl7v2.messages import Refused, read
from deeppcos.records.hl7v2.patient_changes import PatientUpdate

UPDATE = b"MSH|^~\\&|A|B|C|D|2026||ADT^A08|1|P|2.5\rPID|1||17||A^B\r"


def test_blank_lines_inside_a_message_are_passed_over() -> None:
    assert isinstance(read(UPDATE.replace(b"\rPID", b"\r\r \r\nPID")), PatientUpdate)


@pytest.mark.parametrize(
    "delimiters", [b"^~\\^", b"^~\\", b"^^~\\&", b"A~\\&", b"^~\\\x00", b"|||", b""]
)
def test_delimiters_that_cannot_be_told_apart_are_refused_at_msh_2(delimiters: bytes) -> None:
    refused = read(UPDATE.replace(b"^~\\&", delimiters, 1))
    assert isinstance(refused, Refused)
    assert refused.place in ("MSH-2", "MSH")


def test_delimiters_of_another_site_are_read_as_that_site_means_them() -> None:
    other = UPDATE.translate(bytes.maketrans(b"|^~&", b"*:!%"))
    update = read(other)
    assert isinstance(update, PatientUpdate)
    assert (update.patient.family_name, update.patient.given_name) == ("A", "B")


def test_the_truncation_sign_of_version_2_7_is_read() -> None:
    assert isinstance(read(UPDATE.replace(b"^~\\&", b"^~\\&#")), PatientUpdate)
