from collections import defaultdict
from typing import Any

import pytest
from pydicom.sr._concepts_dict import concepts
from pydicom.sr._snomed_dict import mapping

from deeppcos.clinical.analytes import ANALYTES, Analyte
from deeppcos.clinical.ovary import Side
from deeppcos.clinical.sourcing import Verification
from deeppcos.clinical.units import unit_for
from deeppcos.records import codes
from deeppcos.records.codes import LABORATORY, Code, Scheme, all_codes, has_valid_check_digit

EVERY = tuple({(code.scheme, code.value): code for code in all_codes()}.values())
IN_DICTIONARY = [c for c in EVERY if c.source.startswith("DICOM PS3.16")]


def _dictionary() -> dict[tuple[str, str], set[str]]:
    every: Any = concepts
    known: dict[tuple[str, str], set[str]] = defaultdict(set)
    for scheme, by_keyword in every.items():
        for by_value in by_keyword.values():
            for value, (meaning, _) in by_value.items():
                known[scheme, value].add(meaning)
    return known


def test_a_code_that_claims_the_dictionary_stands_there_with_its_meaning() -> None:
    known = _dictionary()
    assert len(IN_DICTIONARY) > 40
    for code in IN_DICTIONARY:
        meanings = known[code.scheme.value, code.value]
        assert meanings, code
        if code is not codes.OVARIAN_FOLLICLE:
            assert code.meaning in meanings, (code, meanings)


def test_a_code_outside_the_dictionary_says_so() -> None:
    known = _dictionary()
    for code in EVERY:
        if code.scheme is Scheme.LOINC and (code.scheme.value, code.value) not in known:
            assert code.verification in (Verification.SECONDARY, Verification.UNVERIFIED), code
        if code.scheme is Scheme.DEEPPCOS:
            assert code.verification is Verification.PROJECT


def test_legacy_codes_are_those_of_the_dictionary() -> None:
    legacy = [code for code in EVERY if code.legacy]
    assert len(legacy) >= 10
    for code in legacy:
        assert mapping["SCT"].get(code.value) == code.legacy, code


def test_left_and_right_are_not_swapped() -> None:
    assert codes.SIDES[Side.LEFT].meaning == "Left"
    assert codes.SIDES[Side.RIGHT].meaning == "Right"
    for table in (codes.OVARY_VOLUME, codes.OVARY_LENGTH, codes.FOLLICLES_IN_OVARY):
        assert "left" in table[Side.LEFT].meaning.lower()
        assert "right" in table[Side.RIGHT].meaning.lower()


@pytest.mark.parametrize("code", EVERY, ids=lambda code: f"{code.scheme}-{code.value}")
def test_a_code_fits_into_dicom(code: Code) -> None:
    assert 0 < len(code.value) <= 16
    assert 0 < len(code.scheme.value) <= 16
    assert 0 < len(code.meaning) <= 64


def test_every_loinc_code_has_its_check_digit() -> None:
    loinc = [code.value for code in EVERY if code.scheme is Scheme.LOINC]
    loinc += [one.loinc for known in LABORATORY.values() for one in known]
    assert len(set(loinc)) == len(loinc) > 45
    assert all(has_valid_check_digit(one) for one in loinc)


def test_every_laboratory_test_has_a_code_whose_unit_the_chart_takes() -> None:
    assert set(LABORATORY) == set(Analyte) == set(ANALYTES)
    for analyte, known in LABORATORY.items():
        for one in known:
            if (analyte, one.unit) != (Analyte.SHBG, "ug/dL"):  # mass of SHBG is refused by rule
                unit_for(analyte, one.unit)
