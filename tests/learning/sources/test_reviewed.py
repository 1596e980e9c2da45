"""Reviewed studies: written as the web application exports them, read as samples."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from deeppcos.errors import InvalidInput
from deeppcos.learning.sources.ledger import Ledger
from deeppcos.learning.sources.pictures import filled
from deeppcos.learning.sources.reviewed import NO_CONSENT, is_reviewed, read_reviewed
from deeppcos.learning.sources.reviewed_document import (
    ReviewedDocument,
    load_reviewed,
    reviewed_schema,
    schema_text,
    write_reviewed,
)

SCHEMA_FILE = Path(__file__).parents[3] / "docs" / "schemas" / "reviewed-1.schema.json"
SQUARE = [[10.0, 10.0], [30.0, 10.0], [30.0, 30.0], [10.0, 30.0]]
WIDE = [[10.0, 10.0], [50.0, 10.0], [50.0, 30.0], [10.0, 30.0]]


def outline(polygon: list[list[float]], certainty: str = "sure") -> dict[str, Any]:
    return {"polygon": polygon, "certainty": certainty}


def reading(reader: str = "r1", **changes: Any) -> dict[str, Any]:
    return {
        "reader": reader,
        "is_clinician": True,
        "read_at": datetime(2026, 5, 4, 9, 30, tzinfo=UTC),
        "release_shown": "seeing-2",
        "shows": "ovary",
        "ovaries": [outline(SQUARE)],
        "follicles": [],
        "lesions": None,
        **changes,
    }


def export(folder: Path, *readings: dict[str, Any], may_train: bool = True) -> ReviewedDocument:
    (folder / "images").mkdir(parents=True, exist_ok=True)
    grey = np.random.default_rng(1).integers(20, 200, (48, 64), np.uint8)
    assert cv2.imwrite(str(folder / "images" / "1.png"), grey)
    content = (folder / "images" / "1.png").read_bytes()
    document = ReviewedDocument.model_validate(
        {
            "schema": "deeppcos.reviewed/1",
            "exported_at": datetime(2026, 5, 4, tzinfo=UTC),
            "exported_by": "deeppcos 0.1.0",
            "studies": [
                {
                    "study": "s1",
                    "patient_group": "p1",
                    "may_train": may_train,
                    "images": [
                        {
                            "file": "images/1.png",
                            "sha256": hashlib.sha256(content).hexdigest(),
                            "mm_per_pixel": None,
                            "readings": list(readings),
                        }
                    ],
                }
            ],
        }
    )
    write_reviewed(document, folder)
    return document


corners = st.lists(st.tuples(st.integers(0, 63), st.integers(0, 47)), min_size=3, max_size=8)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(corners, st.sampled_from(["sure", "maybe"]))
def test_what_a_reader_left_is_read_back_the_same(
    tmp_path: Path, polygon: list[tuple[int, int]], certainty: str
) -> None:
    drawn = [[float(x), float(y)] for x, y in polygon]
    document = export(
        tmp_path, reading(ovaries=[outline(drawn)], follicles=[outline(drawn, certainty)])
    )
    assert load_reviewed(tmp_path) == document
    (sample,) = read_reviewed(tmp_path)
    (mark,) = sample.readings["r1"]
    assert mark.polygon.tolist() == drawn
    assert mark.is_sure == (certainty == "sure")
    assert sample.ovary is not None
    assert np.array_equal(sample.ovary, filled(np.array(drawn, np.float32), height=48, width=64))
    assert (sample.group, sample.kind) == ("reviewed/p1", "ovary")


def test_nobody_looked_is_unknown_and_looked_in_vain_is_absent(tmp_path: Path) -> None:
    export(tmp_path, reading(follicles=None, lesions=[]))
    assert is_reviewed(tmp_path)
    (sample,) = read_reviewed(tmp_path)
    assert sample.readings == {}
    assert sample.lesion is not None
    assert not sample.lesion.any()
    export(tmp_path, reading(follicles=[]))
    (sample,) = read_reviewed(tmp_path)
    assert sample.readings == {"r1": ()}
    assert sample.lesion is None


def test_a_pixel_of_the_ovary_counts_when_more_than_half_of_the_readers_hold_it(
    tmp_path: Path,
) -> None:
    readings = [reading("r1"), reading("r2", ovaries=[outline(WIDE)]), reading("r3", ovaries=None)]
    export(tmp_path, *readings)
    (sample,) = read_reviewed(tmp_path)
    assert sample.ovary is not None
    assert sample.ovary[20, 20]
    assert not sample.ovary[20, 45]
    assert set(sample.readings) == {"r1", "r2", "r3"}


def test_without_consent_a_study_is_passed_over_even_by_a_strict_reader(tmp_path: Path) -> None:
    export(tmp_path, reading(), may_train=False)
    assert read_reviewed(tmp_path) == []
    ledger = Ledger()
    assert read_reviewed(tmp_path, ledger) == []
    assert [(item.item, item.reason) for item in ledger.skipped] == [("s1", NO_CONSENT)]


@pytest.mark.parametrize(
    ("readings", "reason"),
    [
        ([reading(shows="not_assessable")], "not assessable"),
        ([reading(), reading("r2", shows="neither", ovaries=[])], "disagree"),
        ([reading(ovaries=[outline([[0, 0], [90, 0], [9, 9]])])], "leaves the picture"),
    ],
    ids=["poor", "disagree", "outside"],
)
def test_a_picture_that_cannot_be_learned_from_is_named(
    tmp_path: Path, readings: list[dict[str, Any]], reason: str
) -> None:
    export(tmp_path, *readings)
    ledger = Ledger()
    assert read_reviewed(tmp_path, ledger) == []
    assert reason in ledger.skipped[0].reason


def test_another_picture_than_the_reviewed_one_is_not_read_and_not_written(tmp_path: Path) -> None:
    document = export(tmp_path, reading())
    cv2.imwrite(str(tmp_path / "images" / "1.png"), np.zeros((48, 64), np.uint8))
    with pytest.raises(InvalidInput, match="not the picture that was reviewed"):
        read_reviewed(tmp_path)
    (tmp_path / "reviewed.json").unlink()
    with pytest.raises(InvalidInput, match="checksum is stated"):
        write_reviewed(document, tmp_path)
    assert not (tmp_path / "reviewed.json").exists()


def test_a_document_that_does_not_follow_its_schema_is_refused_with_the_place(
    tmp_path: Path,
) -> None:
    export(tmp_path, reading())
    stored = json.loads((tmp_path / "reviewed.json").read_text(encoding="utf-8"))
    del stored["studies"][0]["may_train"]
    (tmp_path / "reviewed.json").write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"studies\.0\.may_train: Field required"):
        read_reviewed(tmp_path)


def test_the_published_schema_is_that_of_the_code_and_accepts_an_export(tmp_path: Path) -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()
    export(tmp_path, reading())
    stored = json.loads((tmp_path / "reviewed.json").read_text(encoding="utf-8"))
    Draft202012Validator(reviewed_schema()).validate(stored)
