import base64
import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.ovary import Side
from deeppcos.errors import InvalidInput
from deeppcos.records.assessment_document import (
    AssessmentDocument,
    Conclusion,
    CountMeasurement,
    CriterionFinding,
    Findings,
    Measurements,
    Provenance,
    Severity,
    SeverityAxis,
    SideMeasurements,
    Signature,
    VolumeMeasurement,
)
from deeppcos.records.dicom_source import SourceImage
from deeppcos.records.lab_choice import choose
from deeppcos.records.result_content import ResultContent, result_content
from deeppcos.records.study_file import MediaKind
from deeppcos.records.tracking_identifiers import Quantity

pytest.importorskip("hl7", reason="the records extra is not installed")

from deeppcos.records.hl7v2.lab_message import read_labs
from deeppcos.records.hl7v2.result_message import result_message
from deeppcos.records.hl7v2.result_reading import read_measurements
from deeppcos.records.hl7v2.text import message_of, part

SIGNATURE = Signature(name="Dr Ö", signed=dt.datetime(2026, 2, 3, 9, tzinfo=dt.UTC))


def content(
    *,
    signature: Signature | None = None,
    number: int = 11,
    ml: float = 7.25,
    method: str = "largest count",
    patient: str | None = "P&1",
) -> ResultContent:
    unknown, axis = CriterionFinding(state="unknown"), SeverityAxis()
    identity = Dataset()
    identity.PatientName, identity.StudyDate, identity.AccessionNumber = (
        "山田^太郎",
        "20260105",
        "A|7",
    )
    if patient is not None:
        identity.PatientID = patient
    side = SideMeasurements(
        fnps=CountMeasurement(value=number, low=0, high=99, method=method),
        volume_ml=VolumeMeasurement(value=ml, method="pi/6 x 3 diameters"),
        fnpo=CountMeasurement(unknown_because="single sections never give FNPO"),
    )
    image = SourceImage(
        source="a.dcm",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.6.1",
        sop_instance_uid="1.2.3.4",
        study_instance_uid="1.2.3",
        series_instance_uid="1.2.3.1",
        kind=MediaKind.STILL,
        frames=1,
        rows=9,
        columns=9,
        side=Side.LEFT,
        slice_spacing_mm=None,
        number=1,
        institution="",
        utc_offset="",
        compression=Dataset(),
        identity=identity,
    )
    document = AssessmentDocument(
        conclusion=Conclusion(status="indeterminate", profile="guideline_2023"),
        findings=Findings(
            ovulatory_dysfunction=unknown,
            hyperandrogenism=unknown,
            polycystic_morphology=unknown,
            exclusions=unknown,
        ),
        severity=Severity(reproductive=axis, morphology=axis, androgen=axis, metabolic=axis),
        measurements=Measurements(left=side),
        provenance=Provenance(created=dt.datetime(2026, 2, 1, tzinfo=dt.UTC)),
        signature=signature,
    )
    return result_content(document, [image])


@settings(max_examples=25, deadline=None)
@given(
    number=st.integers(0, 200),
    hundredths=st.integers(0, 99999),
    method=st.text(st.sampled_from("ab|^&~\\éツ"), max_size=12),
)
def test_what_is_written_is_read_back_the_same(number: int, hundredths: int, method: str) -> None:
    made = content(number=number, ml=hundredths / 100, method=method)
    read = read_measurements(message_of(result_message(made)))
    assert [
        (one.identifier.uid, one.side, one.quantity, one.value, one.method) for one in read
    ] == [
        (one.identifier.uid, one.side, one.quantity, one.value, one.method) for one in made.measured
    ]


def test_the_status_follows_the_signature() -> None:
    for signature, amends, status in (
        (None, False, "P"),
        (SIGNATURE, False, "F"),
        (SIGNATURE, True, "C"),
    ):
        message = message_of(result_message(content(signature=signature), amends=amends))
        assert part(message.segments("OBR")[0], 25) == status
        assert part(message.segments("OBX")[0], 11) == status
    with pytest.raises(InvalidInput, match="a draft cannot amend"):
        result_message(content(), amends=True)


def test_the_unknown_has_no_value_and_a_reason() -> None:
    made = content()
    message = message_of(result_message(made))
    absent = {part(one, 21): one for one in message.segments("OBX") if part(one, 11) == "X"}
    fnpo = absent[made.scope.of_side(Side.LEFT, Quantity.FNPO).uid]
    assert part(fnpo, 5) == ""
    follower = message[list(message).index(fnpo) + 1]
    assert part(follower, 3) == "unknown: single sections never give FNPO"
    right = {made.scope.of_side(Side.RIGHT, one).uid for one in (Quantity.FNPS, Quantity.VOLUME)}
    assert right <= set(absent)


def test_names_and_numbers_survive_delimiters_and_scripts() -> None:
    message = message_of(result_message(content()))
    pid = message.segments("PID")[0]
    assert (part(pid, 3), part(pid, 5), part(pid, 5, 2)) == ("P&1", "山田", "太郎")
    assert part(message.segments("OBR")[0], 2) == "A|7"


def test_the_same_result_is_the_same_message_and_a_signed_one_another() -> None:
    assert result_message(content()) == result_message(content())
    control = [
        part(message_of(result_message(content(signature=one))).segments("MSH")[0], 10)
        for one in (None, SIGNATURE)
    ]
    assert control[0] != control[1]
    assert max(map(len, control)) == 20


def test_a_strict_parser_finds_the_result_valid() -> None:
    parser = pytest.importorskip("hl7apy.parser", reason="hl7apy is not installed")
    message = parser.parse_message(result_message(content()).decode(), find_groups=True)
    assert message.validate()


PDF = b"%PDF-1.4\n%%EOF"


@pytest.mark.parametrize(
    ("given", "kind"),
    [({"pdf": PDF}, "ED"), ({"pdf_address": "https://desk.example/r/1?a=b&c=d"}, "RP")],
    ids=["embedded", "referenced"],
)
def test_the_report_stands_in_the_message_or_where_to_find_it(
    given: dict[str, Any], kind: str
) -> None:
    made = result_message(content(signature=SIGNATURE), **given)
    message = message_of(made)
    [report] = [one for one in message.segments("OBX") if part(one, 2) == kind]
    assert part(report, 11) == "F"
    if kind == "ED":
        assert [part(report, 5, n) for n in (1, 2, 3, 4)] == ["DEEPPCOS", "AP", "PDF", "Base64"]
        assert base64.b64decode(part(report, 5, 5)) == PDF
    else:
        assert part(report, 5) == given["pdf_address"]
    places = [part(one, 1) for one in message.segments("OBX")]
    assert places == [str(n) for n in range(1, len(places) + 1)]
    assert made != result_message(content(signature=SIGNATURE))
    controls = {
        part(message_of(one).segments("MSH")[0], 10)
        for one in (made, result_message(content(signature=SIGNATURE)))
    }
    assert len(controls) == 2, "another message needs another number"
    parser = pytest.importorskip("hl7apy.parser", reason="hl7apy is not installed")
    assert parser.parse_message(made.decode(), find_groups=True).validate()


@pytest.mark.parametrize(
    "given",
    [
        {"pdf": b"no"},
        {"pdf_address": "ftp://x"},
        {"pdf": PDF, "pdf_address": "https://desk.example/1"},
    ],
    ids=["no pdf", "no address", "twice"],
)
def test_a_report_that_is_none_is_not_sent(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        result_message(content(), **given)


def test_a_result_of_nobody_is_not_written() -> None:
    with pytest.raises(InvalidInput, match="belong to nobody"):
        result_message(content(patient=None))


MSH = r"MSH|^~\&|LAB|H|X|Y|20260105||ORU^R01^ORU_R01|1|P|2.5.1||||||"
REST = "\rPID|1||P1\rOBR|1|||PANEL|||20251201\r"


def oru(*obx: str, charset: str = "UNICODE UTF-8") -> bytes:
    codec = "iso8859-1" if charset == "8859/1" else "utf-8"
    return (MSH + charset + REST + "\r".join(obx) + "\r").encode(codec)


def obx(value: str = "2.1", unit: str = "mIU/L", **more: str) -> str:
    given = {"code": "3016-3^TSH^LN", "kind": "NM", "status": "F", "range": "0.4-4.0", **more}
    return (
        f"OBX|1|{given['kind']}|{given['code']}||{value}|{unit}|{given['range']}||||"
        f"{given['status']}|||{more.get('at', '')}"
    )


def test_a_result_is_read_with_unit_limit_and_day() -> None:
    read = read_labs(oru(obx()))
    [one] = choose(read.found, study_day=dt.date(2026, 1, 5)).chosen
    assert (one.lab.analyte, one.lab.value, one.lab.unit) == (Analyte.TSH, 2.1, "m[IU]/L")
    assert one.lab.upper_limit == 4.0
    assert one.at is not None
    assert one.at.date() == dt.date(2025, 12, 1), "of the OBR, where OBX-14 is empty"
    assert read.patient_id == "P1"


def test_a_micro_sign_in_latin_1_is_a_micro_sign() -> None:
    made = oru(obx("180", "µg/dL", code="2191-5^DHEAS^LN", range=""), charset="8859/1")
    [one] = read_labs(made).found
    assert one.lab.unit == "ug/dL"


def test_a_local_code_with_its_loinc_beside_it_is_read() -> None:
    assert read_labs(oru(obx(code="TSH^Thyrotropin^L^3016-3^TSH^LN"))).found


@pytest.mark.parametrize(
    ("more", "place", "said"),
    [
        ({"unit": "grain"}, "refused", "'grain'"),
        ({"unit": ""}, "refused", "no unit"),
        ({"value": "high"}, "refused", "no number"),
        ({"value": "nan"}, "refused", "implausible"),
        ({"value": "2100"}, "refused", "implausible"),
        ({"status": "P"}, "others", "status P"),
        ({"kind": "SN", "value": "<^0.1"}, "others", "not one number"),
        ({"code": "X^Local^L"}, "others", "Local is not a known LOINC"),
    ],
    ids=["unit", "no unit", "word", "nan", "huge", "preliminary", "below", "local"],
)
def test_what_cannot_be_used_is_named(more: dict[str, str], place: str, said: str) -> None:
    read = read_labs(oru(obx(**more)))
    assert not read.found
    assert said in getattr(read, place)[0]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (b"", "no HL7 v2 message"),
        (b"MSH", "no HL7 v2 message"),
        (b"FHS|^~\\&|x", "no HL7 v2 message"),
        ((MSH + "\rPID|1||P1\r").encode(), "no OBR and no OBX segment"),
        ((MSH + "\rOBR|1\r" + obx() + "\r").encode(), "no PID segment"),
        (oru(obx()).replace(b"ORU^R01^ORU_R01", b"ADT^A01"), "carries no results"),
        (oru(obx()).replace(b"|P1", b"|"), "PID-3: names no patient"),
        (oru(obx()) + b"PID|2||P2\r", "one patient"),
        (oru(obx(unit="µg/dL")).replace(b"UNICODE UTF-8", b""), "not in the character set"),
        (oru(obx()).replace(b"UNICODE UTF-8", b"KLINGON"), "character set that is not read"),
        (b"MSH|^~\\&|" + b"A" * 5_000_000, "too large"),
    ],
    ids=[
        "nothing",
        "head",
        "file",
        "cut",
        "nobody",
        "adt",
        "empty id",
        "two",
        "bytes",
        "set",
        "big",
    ],
)
def test_a_message_that_cannot_be_trusted_is_refused(message: bytes, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_labs(message)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=120), st.integers(0, 200))
def test_a_damaged_message_is_read_or_refused_and_nothing_else(rubbish: bytes, at: int) -> None:
    whole = oru(obx())
    try:
        read: Any = read_labs(whole[:at] + rubbish + whole[at:])
    except InvalidInput:
        return
    assert read.patient_id
