import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from deeppcos.clinical.ovary import Side
from deeppcos.records.assessment_document import (
    AssessmentDocument,
    Conclusion,
    CriterionFinding,
    Findings,
    InputFile,
    Provenance,
    Severity,
    SeverityAxis,
    Signature,
)
from deeppcos.records.tracking_identifiers import (
    Outline,
    Quantity,
    TrackingScope,
    digest_of,
    image_key,
    scope_of,
)

SCOPE = TrackingScope(study="1.2.840.1", release="a" * 64)
WORDS = st.text(min_size=1, max_size=40)


def _document(**changes: Any) -> AssessmentDocument:
    unknown = CriterionFinding(state="unknown")
    axis = SeverityAxis()
    return AssessmentDocument(
        conclusion=Conclusion(status="indeterminate", profile="guideline_2023"),
        findings=Findings(
            ovulatory_dysfunction=unknown,
            hyperandrogenism=unknown,
            polycystic_morphology=unknown,
            exclusions=unknown,
        ),
        severity=Severity(reproductive=axis, morphology=axis, androgen=axis, metabolic=axis),
        **changes,
    )


def _inputs(*pairs: tuple[str, str]) -> Provenance:
    return Provenance(inputs=[InputFile(source=name, sha256=one * 64) for name, one in pairs])


@given(study=WORDS, release=WORDS, image=WORDS, frame=st.integers(0, 10**6))
def test_every_form_is_one_number_and_a_valid_uid(
    study: str, release: str, image: str, frame: int
) -> None:
    one = TrackingScope(study=study, release=release).of_outline(
        Outline.FOLLICLE, image=image, frame=frame, number=3
    )
    assert UID(one.uid).is_valid
    assert uuid.UUID(int=int(one.uid.removeprefix("2.25."))) == one.uuid
    assert one.oid_urn == f"urn:oid:{one.uid}"
    assert one.hl7_entity_identifier.split("^") == [one.uid, "DEEPPCOS", one.uid, "ISO"]


def test_the_same_thing_gets_the_same_identifier_on_every_machine() -> None:
    # Written down once: a change would orphan every identifier that was ever sent.
    assert SCOPE.of_side(Side.RIGHT, Quantity.FNPS).uuid == uuid.UUID(
        "af518215-a853-57d4-8928-e34d07542ecd"
    )


def test_no_two_things_share_an_identifier() -> None:
    sides = [
        SCOPE.of_side(side, quantity)
        for side in (Side.LEFT, Side.RIGHT, None)
        for quantity in Quantity
    ]
    outlines = [
        SCOPE.of_outline(kind, image=image, frame=frame, number=number, within=within)
        for kind in Outline
        for image in ("1.2.3", "1.2.34")
        for frame in range(12)
        for number in range(12)
        for within in range(2)
    ]
    tracks = [SCOPE.of_track(image=image, number=n) for image in ("1.2.3", "x") for n in range(30)]
    results = [SCOPE.of_result(kind, "a") for kind in ("report", "segmentation")]
    every = [one.uid for one in (*sides, *outlines, *tracks, *results)]
    assert len(set(every)) == len(every)


def test_another_study_or_release_gives_other_identifiers() -> None:
    others = (
        TrackingScope(study="1.2.840.2", release=SCOPE.release),
        TrackingScope(study=SCOPE.study, release="b" * 64),
    )
    for other in others:
        assert other.of_side(Side.LEFT, Quantity.VOLUME) != SCOPE.of_side(
            Side.LEFT, Quantity.VOLUME
        )


def test_a_label_is_words_and_does_not_change_the_identifier() -> None:
    bare = SCOPE.of_outline(Outline.FOLLICLE, image="1.2.3", frame=0, number=6)
    told = SCOPE.of_outline(
        Outline.FOLLICLE, image="1.2.3", frame=0, number=6, side=Side.RIGHT, shown_in="image 3"
    )
    assert told.label == "right ovary follicle 7, image 3"
    assert bare.uuid == told.uuid
    assert bare.label == "side unknown: ovary follicle 7"


def test_a_study_without_dicom_is_named_by_its_contents_not_by_its_paths() -> None:
    here = _document(provenance=_inputs(("a/1.png", "1"), ("a/2.png", "2")))
    there = _document(provenance=_inputs(("b/2.png", "2"), ("b/1.png", "1")))
    other = _document(provenance=_inputs(("a/1.png", "1"), ("a/2.png", "3")))
    assert scope_of(here) == scope_of(there)
    assert scope_of(here) != scope_of(other)
    assert scope_of(here, study_instance_uid="1.2.3").study == "1.2.3"


@pytest.mark.parametrize(
    ("source", "key"), [("a/1.png", f"sha256:{'1' * 64}"), ("gone.png", "file:gone.png")]
)
def test_a_picture_without_uid_is_named_by_its_content(source: str, key: str) -> None:
    assert image_key(_document(provenance=_inputs(("a/1.png", "1"))), source) == key


def test_a_signature_changes_the_digest_but_no_measurement() -> None:
    draft = _document(release={"weights_sha256": "c" * 64})
    signed = draft.model_copy(
        update={"signature": Signature.model_validate({"name": "A", "signed": "2026-01-01T00:00Z"})}
    )
    assert digest_of(draft) != digest_of(signed)
    assert scope_of(draft) == scope_of(signed)
