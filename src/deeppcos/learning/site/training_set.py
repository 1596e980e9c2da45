"""The versioned training set: settled labels without the test patients, named by their content.

::

    set-3f2a.../
      set.json        hash, counts, every picture by hash, who was left out and why
      labels/         ``deeppcos.reviewed/1`` with the pictures, one consensus reading each

The same labels give the same folder, whenever they are gathered. Owns the document, its folder and
the check that nobody changed it. A patient of the frozen test set is left out whole, found by her
pseudonym or by the pixels of any of her pictures.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deeppcos.errors import ContractBroken, InvalidInput, TemporaryFailure
from deeppcos.learning.feedback.consensus import consensus_document
from deeppcos.learning.gate.frozen import FrozenTestSet, pixels_sha256, truth_sha256
from deeppcos.learning.samples import Sample
from deeppcos.learning.sources.labelled import inside
from deeppcos.learning.sources.ledger import Ledger
from deeppcos.learning.sources.reviewed import read_reviewed
from deeppcos.learning.sources.reviewed_document import (
    ReviewedDocument,
    load_reviewed,
    write_reviewed,
)

SCHEMA_NAME: Literal["deeppcos.training-set/1"] = "deeppcos.training-set/1"
SET_FILE, LABELS = "set.json", "labels"
NOT_SETTLED = "pictures on which readers do not agree what they show"
FROZEN_PATIENTS = "patients of the frozen test set"
NOT_ASSESSABLE = "pictures that nobody can judge"
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    """Frozen, and no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class LearnedPicture(_Part):
    """One picture of the set, by pseudonyms and hashes."""

    name: str
    patient_group: str
    kind: str
    follicles: Annotated[int, Field(ge=0)] | None
    pixels_sha256: Sha256
    truth_sha256: Sha256


class TrainingSet(_Part):
    """What a candidate learns from, and what was left out.

    Attributes:
        schema_name: Version of this layout.
        sha256: Hash over every picture's name, patient, pixels and labels.
        frozen: Name of the test set whose patients are not in it.
        frozen_sha256: Hash of that test set.
        pictures: Everything in it, in the order it is read.
        left_out: Reason to how often.
    """

    schema_name: Literal["deeppcos.training-set/1"] = Field(alias="schema")
    sha256: Sha256
    frozen: str
    frozen_sha256: Sha256
    pictures: tuple[LearnedPicture, ...]
    left_out: dict[str, int]

    @property
    def patients(self) -> int:
        """Patients in it."""
        return len({picture.patient_group for picture in self.pictures})

    @property
    def kinds(self) -> dict[str, int]:
        """What the pictures show, and how many show it."""
        return dict(sorted(Counter(picture.kind for picture in self.pictures).items()))

    @property
    def marked_patients(self) -> int:
        """Patients with at least one picture whose follicles were looked for."""
        return len({p.patient_group for p in self.pictures if p.follicles is not None})


def build_training_set(
    export: Path, place: Path, *, frozen: FrozenTestSet, left_out: Mapping[str, int]
) -> Path:
    """Make the set of an export, or find the equal one that is there.

    Args:
        export: Folder of ``deeppcos.reviewed/1`` with the readings of every reader.
        place: Folder that holds the sets.
        frozen: Test set whose patients are left out.
        left_out: What the export left out, reason to how often.

    Returns:
        Folder of the set.

    Raises:
        InvalidInput: If the export is damaged, or nothing is left of it.
        TemporaryFailure: If the disk is full; nothing is left behind.
    """
    document = load_reviewed(export)
    settled, reasons = _settled(document, export, frozen)
    place.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".set-", dir=place))
    try:
        _write_labels(settled, export, staging / LABELS)
        learned = _listed(read_reviewed(staging / LABELS), frozen, Counter(left_out) + reasons)
        _write_set(learned, staging)
        target = place / f"set-{learned.sha256[:16]}"
        if (target / SET_FILE).is_file():
            return target
        staging.chmod(0o755)
        staging.rename(target)
        return target
    except OSError as problem:
        raise TemporaryFailure(
            f"{place}: the training set could not be written",
            value=problem.strerror or str(problem),
            accepted="a disk with room for a copy of every picture",
            remedy="make room and try again; nothing was left behind",
        ) from problem
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def read_training_set(folder: Path) -> tuple[TrainingSet, list[Sample]]:
    """Read a set with its pictures, and refuse one that is not what it says.

    Args:
        folder: Folder of the set.

    Returns:
        The document, and its samples in order.

    Raises:
        ContractBroken: If a picture or a label was changed, added or taken away.
    """
    stated = read_set_document(folder)
    samples = read_reviewed(folder / LABELS)
    found = _hash_of([_picture(sample) for sample in samples])
    if found != stated.sha256:
        raise ContractBroken(
            f"{folder.name}: the training set is not what it was",
            value=found[:16],
            accepted=stated.sha256[:16],
            remedy="begin again under another name: a new set is made of the desk's readings",
        )
    return stated, samples


def read_set_document(folder: Path) -> TrainingSet:
    """Read the document of a set alone.

    Args:
        folder: Folder of the set.

    Raises:
        ContractBroken: If it is missing or damaged.
    """
    try:
        return TrainingSet.model_validate_json((folder / SET_FILE).read_bytes())
    except (OSError, ValidationError) as problem:
        raise ContractBroken(
            f"{folder.name}: no training set can be read there",
            value=str(problem).splitlines()[0],
            accepted=SCHEMA_NAME,
            remedy="begin again under another name",
        ) from problem


def _settled(
    document: ReviewedDocument, export: Path, frozen: FrozenTestSet
) -> tuple[ReviewedDocument, Counter[str]]:
    """One reading a picture, without test patients and without what nobody can judge."""
    reasons: Counter[str] = Counter()
    consensus = consensus_document(document)
    reasons[NOT_SETTLED] += _pictures_of(document) - _pictures_of(consensus)
    tested = _test_patients(consensus, export, frozen)
    studies = []
    for study in consensus.studies:
        if study.patient_group in tested:
            continue
        images = [one for one in study.images if one.readings[0].shows != "not_assessable"]
        reasons[NOT_ASSESSABLE] += len(study.images) - len(images)
        if images:
            studies.append(study.model_copy(update={"images": images}))
    reasons[FROZEN_PATIENTS] += len(tested)
    return consensus.model_copy(update={"studies": studies}), +reasons


def _test_patients(
    document: ReviewedDocument, export: Path, frozen: FrozenTestSet
) -> frozenset[str]:
    """Patients of the export that stand in the test set, by pseudonym or by a picture."""
    pixels = {picture.pixels_sha256 for picture in frozen.pictures}
    samples = read_reviewed(export, Ledger())
    equal = {s.group for s in samples if pixels_sha256(s) in pixels} | frozen.groups
    groups = {study.patient_group for study in document.studies}
    return frozenset(group for group in groups if f"reviewed/{group}" in equal)


def _pictures_of(document: ReviewedDocument) -> int:
    return sum(len(study.images) for study in document.studies)


def _write_labels(document: ReviewedDocument, export: Path, folder: Path) -> None:
    """The settled labels with their pictures."""
    folder.mkdir()
    for study in document.studies:
        for image in study.images:
            # A name that leads out of the export is refused here, before anything is written.
            source, target = inside(export, image.file), folder / image.file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    write_reviewed(document, folder)


def _listed(
    samples: Sequence[Sample], frozen: FrozenTestSet, left_out: Mapping[str, int]
) -> TrainingSet:
    """The document of some samples."""
    if not samples:
        raise InvalidInput(
            "nothing is left to learn from",
            value="; ".join(f"{count} {why}" for why, count in left_out.items()) or "no reading",
            accepted="finished, consented, settled readings of patients outside the test set",
            remedy="ask for consent, finish and settle readings, then try again",
        )
    pictures = tuple(_picture(sample) for sample in samples)
    return TrainingSet(
        schema=SCHEMA_NAME,
        sha256=_hash_of(pictures),
        frozen=frozen.name,
        frozen_sha256=frozen.sha256,
        pictures=pictures,
        left_out=dict(sorted(left_out.items())),
    )


def _picture(sample: Sample) -> LearnedPicture:
    marks = next(iter(sample.readings.values()), None)
    return LearnedPicture(
        name=sample.name,
        patient_group=sample.group,
        kind=sample.kind,
        follicles=None if marks is None else len(marks),
        pixels_sha256=pixels_sha256(sample),
        truth_sha256=truth_sha256(sample),
    )


def _hash_of(pictures: Sequence[LearnedPicture]) -> str:
    rows = [(p.name, p.patient_group, p.pixels_sha256, p.truth_sha256) for p in pictures]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _write_set(learned: TrainingSet, folder: Path) -> None:
    """The document, last, so that its existence means a whole set."""
    with (folder / SET_FILE).open("w", encoding="utf-8") as stream:
        stream.write(learned.model_dump_json(indent=1, by_alias=True) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
