"""The versioned training set: named by its content, without test patients, refused when it is not
what it says or can teach nothing.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from deeppcos.errors import ContractBroken, InvalidInput, TemporaryFailure
from deeppcos.learning.gate.frozen import FrozenPicture, FrozenTestSet
from deeppcos.learning.site.fitness import LEAST_PATIENTS, refuse_unteachable
from deeppcos.learning.site.start import Asking, begin, begun, is_finished
from deeppcos.learning.site.training_set import (
    FROZEN_PATIENTS,
    LABELS,
    NOT_ASSESSABLE,
    NOT_SETTLED,
    build_training_set,
    read_set_document,
    read_training_set,
)
from deeppcos.learning.sources.ledger import Ledger
from deeppcos.learning.sources.reviewed import read_reviewed
from deeppcos.learning.sources.reviewed_document import (
    Outline,
    Reading,
    ReviewedDocument,
    ReviewedImage,
    ReviewedStudy,
    sha256_of,
    write_reviewed,
)
from deeppcos.vision.release import SHIPPED

OVARY = Outline(polygon=[(20, 20), (90, 20), (90, 80), (20, 80)], certainty="sure")
FOLLICLE = Outline(polygon=[(40, 40), (52, 40), (52, 52), (40, 52)], certainty="sure")


def reading(reader: str, shows: str = "ovary") -> Reading:
    is_ovary = shows == "ovary"
    return Reading(
        reader=reader, is_clinician=True, read_at=datetime(2026, 1, 5, tzinfo=UTC),
        release_shown=None, shows=shows,  # type: ignore[arg-type]
        ovaries=[OVARY] if is_ovary else [], follicles=[FOLLICLE] if is_ovary else None,
        lesions=[OVARY] if shows == "lesion" else [],
    )  # fmt: skip


def exported(folder: Path, *shown: Sequence[str]) -> Path:
    """An export: a study and a patient for each sequence, which says what her readers saw."""
    folder.mkdir()
    studies = []
    for number, answers in enumerate(shown):
        pixels = np.random.default_rng(number).integers(0, 200, (100, 120), dtype=np.uint8)
        file = folder / f"s{number}.png"
        cv2.imwrite(str(file), pixels)
        image = ReviewedImage(
            file=file.name,
            sha256=sha256_of(file),
            mm_per_pixel=None,
            readings=[reading(f"r{n}", what) for n, what in enumerate(answers)],
        )
        study = f"study-{number}"
        studies.append(
            ReviewedStudy(study=study, patient_group=f"p{number}", may_train=True, images=[image])
        )
    document = ReviewedDocument(
        schema="deeppcos.reviewed/1",
        exported_at=datetime(2026, 1, 5, tzinfo=UTC),
        exported_by="a test",
        studies=studies,
    )
    write_reviewed(document, folder)
    return folder


def frozen(*, group: str = "elsewhere", pixels: str = "0" * 64) -> FrozenTestSet:
    picture = FrozenPicture(name="t", group=group, pixels_sha256=pixels, truth_sha256="0" * 64)
    return FrozenTestSet(
        schema="deeppcos.frozen-test/1", name="t", frozen_on="2026-01-05", frozen_by="a",
        pictures=(picture,),
    )  # fmt: skip


def test_the_same_readings_give_the_same_set_and_another_reading_another(tmp_path: Path) -> None:
    place = tmp_path / "training"
    one = exported(tmp_path / "one", ["ovary"], ["lesion"])
    first = build_training_set(one, place, frozen=frozen(), left_out={})
    again = build_training_set(
        exported(tmp_path / "again", ["ovary"], ["lesion"]), place, frozen=frozen(), left_out={}
    )
    other = build_training_set(
        exported(tmp_path / "other", ["ovary"], ["ovary"]), place, frozen=frozen(), left_out={}
    )
    assert first == again != other
    document, samples = read_training_set(first)
    assert (document.patients, document.kinds) == (2, {"lesion": 1, "ovary": 1})
    assert document.marked_patients == 1
    assert [s.name for s in samples] == [p.name for p in document.pictures]
    assert not list(place.glob(".set-*"))


def test_who_is_left_out_is_counted_by_reason(tmp_path: Path) -> None:
    export = exported(
        tmp_path / "export",
        ["ovary", "ovary"],
        ["ovary", "lesion"],
        ["not_assessable"],
        ["ovary"],
        ["lesion"],
    )
    pixels = hashlib.sha256(
        b"100x120:" + next(s for s in read_reviewed(export, Ledger()) if "study-4" in s.name)
        .raw_grey.tobytes()
    ).hexdigest()  # fmt: skip
    by_picture = frozen(group="reviewed/p3", pixels=pixels)
    folder = build_training_set(
        export, tmp_path / "training", frozen=by_picture, left_out={"studies: no consent": 2}
    )
    document = read_set_document(folder)
    assert [p.patient_group for p in document.pictures] == ["reviewed/p0"]
    assert document.left_out == {
        FROZEN_PATIENTS: 2, NOT_ASSESSABLE: 1, NOT_SETTLED: 1, "studies: no consent": 2,
    }  # fmt: skip
    assert document.frozen_sha256 == by_picture.sha256
    assert not (folder / LABELS / "s4.png").exists(), "a test picture is not even copied"


def test_a_set_of_nothing_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    export = exported(tmp_path / "export", ["ovary"])
    with pytest.raises(InvalidInput, match="nothing is left to learn from"):
        build_training_set(
            export, tmp_path / "training", frozen=frozen(group="reviewed/p0"), left_out={}
        )
    assert list((tmp_path / "training").iterdir()) == []


@pytest.mark.parametrize("change", ["label", "picture"])
def test_a_set_that_somebody_changed_is_refused(tmp_path: Path, change: str) -> None:
    export = exported(tmp_path / "export", ["ovary"], ["lesion"])
    folder = build_training_set(export, tmp_path / "training", frozen=frozen(), left_out={})
    document = folder / LABELS / "reviewed.json"
    if change == "label":
        document.write_text(document.read_text().replace("40.0", "41.0"))
    else:
        cv2.imwrite(str(folder / LABELS / "s0.png"), np.zeros((100, 120), np.uint8))
    with pytest.raises((ContractBroken, InvalidInput), match=r"not what it was|not the picture"):
        read_training_set(folder)


def test_a_full_disk_leaves_no_half_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export = exported(tmp_path / "export", ["ovary"])

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(TemporaryFailure, match="No space left"):
        build_training_set(export, tmp_path / "training", frozen=frozen(), left_out={})
    assert list((tmp_path / "training").iterdir()) == []


def test_too_few_patients_and_one_kind_are_refused_in_words(tmp_path: Path) -> None:
    def document(*shown: Sequence[str]):  # type: ignore[no-untyped-def]
        export = exported(tmp_path / f"export{len(shown)}{shown[-1][0]}", *shown)
        return read_set_document(
            build_training_set(export, tmp_path / "training", frozen=frozen(), left_out={})
        )

    ovaries = [["ovary"]] * LEAST_PATIENTS
    with pytest.raises(InvalidInput, match=r"too few patients.*9 with follicles looked for"):
        refuse_unteachable(document(*ovaries[1:], ["lesion"]), others_are_drawn=True)
    alike = document(*ovaries)
    with pytest.raises(InvalidInput, match=r"one kind of picture.*10 ovary.*others-are-drawn"):
        refuse_unteachable(alike, others_are_drawn=False)
    refuse_unteachable(alike, others_are_drawn=True)
    refuse_unteachable(document(*ovaries, ["lesion"]), others_are_drawn=False)


def asking(**changes: object) -> Asking:
    return Asking(name="site-1", training_set="set-1", frozen="f.json", **changes)  # type: ignore[arg-type]


def test_a_candidate_begun_keeps_its_release_and_goes_on_only_with_the_same_command(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "site-1"
    begin(folder, asking(), release=SHIPPED)
    kept = (folder / "start" / "manifest.json").read_bytes()
    assert kept == (SHIPPED / "manifest.json").read_bytes()
    assert begin(folder, asking(), release=tmp_path / "another is served now") == begun(folder)
    assert not is_finished(folder)
    with pytest.raises(InvalidInput, match=r"begun otherwise; got other steps"):
        begin(folder, asking(steps=40), release=SHIPPED)


def test_what_was_begun_on_a_full_disk_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    folder = tmp_path / "site-1"
    with monkeypatch.context() as disk:
        disk.setattr(shutil, "copyfile", full)
        with pytest.raises(TemporaryFailure, match=r"make room and give the same command again"):
            begin(folder, asking(), release=SHIPPED)
    assert not (folder / "begun.json").exists()
    begin(folder, asking(), release=SHIPPED)
    assert json.loads((folder / "begun.json").read_text())["name"] == "site-1"
