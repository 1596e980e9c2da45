"""A hospital's table: its own codes, its doctors, and which field holds what."""

from pathlib import Path

import pytest

from deeppcos.clinical.analytes import Analyte
from deeppcos.errors import InvalidInput

pytest.importorskip("hl7", reason="the records extra is not installed")

from deeppcos.records.hl7v2.lab_message import LabResults
from deeppcos.records.hl7v2.messages import read
from deeppcos.records.hl7v2.site import Site, read_site

TABLE = """
schema = "deeppcos.hl7-site/1"
[patient]
issuer = "WARD"
identifier_types = ["MR"]
[patient.issuers]
"KH-NORD" = "urn:oid:1.2.3"
[orders]
accession = ["OBR-3", "OBR-18"]
last_menstrual_period = ["LMP^L"]
procedures = ["USPELV"]
[laboratory]
file = "tests.csv"
[[laboratory.tests]]
code = "FSH1"
analyte = "fsh"
unit = "IU/L"
[doctors]
"77" = "Dr Ayşe Yılmaz"
[places]
"G1" = "Gynaecology"
"""
ROWS = "code,system,analyte,unit\nTESTO,L,total_testosterone,nmol/L\n"


def table(folder: Path, text: str = TABLE, rows: str = ROWS) -> Path:
    (folder / "tests.csv").write_text(rows, encoding="utf-8")
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return read_site(table(tmp_path))


def test_a_table_and_its_csv_are_one(site: Site) -> None:
    assert {one.code: one.analyte for one in site.laboratory.tests} == {
        "FSH1": Analyte.FSH,
        "TESTO": Analyte.TOTAL_TESTOSTERONE,
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('analyte = "fsh"', 'analyte = "fish"', "laboratory.tests.0.analyte"),
        ('unit = "IU/L"', 'unit = "grain"', "FSH1"),
        ('unit = "IU/L"', 'unit = "ng/mL"', "FSH1"),
        ('unit = "IU/L"', 'unit = " "', "laboratory.tests.0.unit"),
        ("[doctors]", "[doktors]", "doktors"),
        ('"OBR-3"', '"OBR3"', "orders.accession"),
        ("deeppcos.hl7-site/1", "deeppcos.hl7-site/2", "schema"),
        ('"tests.csv"', '"gone.csv"', "no table of tests"),
        ('code = "FSH1"', 'code = "TESTO"', "gives a code twice"),
        ("[orders]", "[orders", "no table of a site"),
    ],
    ids=["test", "unit", "kind", "empty", "key", "place", "schema", "csv", "twice", "toml"],
)
def test_a_wrong_table_is_refused_by_its_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_site(table(tmp_path, TABLE.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("code,analyte\nA,fsh\n", "lacks a column"),
        ("code,system,analyte,unit\nA,L,fsh,IU/L,extra\n", "laboratory.tests.1.None"),
        ("code,system,analyte,unit\nA,L,,IU/L\n", "laboratory.tests.1.analyte"),
    ],
    ids=["column", "cell", "missing"],
)
def test_a_wrong_row_is_refused_by_its_place(tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_site(table(tmp_path, rows=rows))


def labs(site: Site, code: str, value: str, unit: str) -> LabResults:
    message = (
        "MSH|^~\\&|LAB|H|X|Y|20260105||ORU^R01^ORU_R01|1|P|2.5.1||||||UNICODE UTF-8\r"
        "PID|1||17^^^KH-NORD^MR~99^^^OTHER^PI||A^B\rOBR|1|||P|||20251201\r"
        f"OBX|1|NM|{code}||{value}|{unit}|||||F\r"
    )
    found = read(message.encode(), site)
    assert isinstance(found, LabResults), found
    return found


def test_a_local_code_has_the_unit_of_the_table(site: Site) -> None:
    [one] = labs(site, "TESTO^Testosteron^L", "1.2", "").found
    assert (one.lab.analyte, one.lab.value, one.lab.unit) == (
        Analyte.TOTAL_TESTOSTERONE,
        1.2,
        "nmol/L",
    )
    assert not labs(site, "TESTO^Testosteron^OTHER", "1.2", "nmol/L").found


def test_a_unit_that_contradicts_the_table_is_asked_back(site: Site) -> None:
    read_one = labs(site, "TESTO^Testosteron^L", "35", "ng/dL")
    assert not read_one.found
    assert "another unit than the site's table" in read_one.refused[0]
    assert labs(site, "FSH1^FSH^L", "5", "mIU/mL").found, "mIU/mL and IU/L are one unit"


def test_the_number_that_counts_is_the_sites_choice(site: Site) -> None:
    patient = labs(site, "TESTO^T^L", "1.2", "").patient
    assert (patient.number.issuer, patient.number.value) == ("urn:oid:1.2.3", "17")
    assert [one.value for one in patient.others] == ["99"]
