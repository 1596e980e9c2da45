"""The test set that training can never touch, kept by hash rather than by habit.

Owns the document that names every picture of it by its pixels and its patient group, and the two
refusals that follow: a test set that is no longer the frozen one, and a training set that holds
any of it. Copies that are not equal in pixels are the business of ``leakage``.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.learning.samples import Sample

SCHEMA_NAME: Literal["deeppcos.frozen-test/1"] = "deeppcos.frozen-test/1"
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
NAMED = 5


class _Part(BaseModel):
    """Frozen, and no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class FrozenPicture(_Part):
    """One picture of the test set.

    Attributes:
        name: Sample name.
        group: Patient group.
        pixels_sha256: Of the picture as stored, its size first.
        truth_sha256: Of what readers left on it.
    """

    name: str
    group: str
    pixels_sha256: Sha256
    truth_sha256: Sha256


class FrozenTestSet(_Part):
    """The whole test set, in order of names."""

    schema_name: Literal["deeppcos.frozen-test/1"] = Field(alias="schema")
    name: str
    frozen_on: str
    frozen_by: str
    pictures: tuple[FrozenPicture, ...]

    @property
    def sha256(self) -> str:
        """One hash of every picture, truth and group: names this very test set."""
        rows = [(p.name, p.group, p.pixels_sha256, p.truth_sha256) for p in self.pictures]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()

    @property
    def groups(self) -> frozenset[str]:
        """Patient groups in it."""
        return frozenset(picture.group for picture in self.pictures)


def pixels_sha256(sample: Sample) -> str:
    """Hash of the picture as stored.

    Args:
        sample: The sample.

    Returns:
        SHA-256 in hexadecimal.
    """
    height, width = sample.raw_grey.shape
    return hashlib.sha256(f"{height}x{width}:".encode() + sample.raw_grey.tobytes()).hexdigest()


def truth_sha256(sample: Sample) -> str:
    """Hash of everything that readers left on a picture.

    Args:
        sample: The sample.

    Returns:
        SHA-256 in hexadecimal.
    """
    digest = hashlib.sha256(sample.kind.encode())
    for mask in (sample.ovary, sample.lesion):
        digest.update(b"nobody looked" if mask is None else mask.tobytes())
    for reader in sorted(sample.readings):
        digest.update(reader.encode())
        for mark in sample.readings[reader]:
            digest.update(mark.polygon.astype("<f4").tobytes() + bytes([mark.is_sure]))
    return digest.hexdigest()


def freeze(
    samples: Sequence[Sample], *, name: str, frozen_on: str, frozen_by: str
) -> FrozenTestSet:
    """Freeze samples into a test set.

    Args:
        samples: What becomes the test set.
        name: Its name.
        frozen_on: ISO date.
        frozen_by: Who froze it.

    Returns:
        The document.

    Raises:
        InvalidInput: If there is nothing to freeze, or it holds pictures of one kind only.
    """
    kinds = {sample.kind for sample in samples}
    if len(kinds) < 2:
        raise InvalidInput(
            "a test set of one kind of picture cannot show what passes wrongly",
            value=", ".join(sorted(kinds)) or "no pictures",
            accepted="pictures with an ovary, and pictures without",
            remedy="add pictures of other organs or other things",
        )
    pictures = [
        FrozenPicture(
            name=sample.name,
            group=sample.group,
            pixels_sha256=pixels_sha256(sample),
            truth_sha256=truth_sha256(sample),
        )
        for sample in sorted(samples, key=lambda s: s.name)
    ]
    return FrozenTestSet(
        schema=SCHEMA_NAME,
        name=name,
        frozen_on=frozen_on,
        frozen_by=frozen_by,
        pictures=tuple(pictures),
    )


def read_frozen(path: Path) -> FrozenTestSet:
    """Read the document of a frozen test set.

    Args:
        path: JSON file.

    Returns:
        The document.

    Raises:
        InvalidInput: If it cannot be read or does not follow the layout.
    """
    try:
        return FrozenTestSet.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as problem:
        raise InvalidInput(
            f"{path}: no frozen test set can be read from it",
            value=str(problem).splitlines()[0],
            accepted=SCHEMA_NAME,
            remedy="freeze one with `deeppcos learn freeze`",
        ) from problem


def still_frozen(frozen: FrozenTestSet, samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """The samples of a frozen test set, refused if any is not what was frozen.

    Args:
        frozen: The document.
        samples: What is on disk; may hold more.

    Returns:
        The samples in the order of the document.

    Raises:
        ContractBroken: If a picture, its truth or its group is missing or has changed.
    """
    found = {sample.name: sample for sample in samples}
    changed = []
    for picture in frozen.pictures:
        sample = found.get(picture.name)
        if sample is None:
            changed.append(f"{picture.name}: missing")
        elif pixels_sha256(sample) != picture.pixels_sha256:
            changed.append(f"{picture.name}: other pixels")
        elif truth_sha256(sample) != picture.truth_sha256:
            changed.append(f"{picture.name}: other marks")
        elif sample.group != picture.group:
            changed.append(f"{picture.name}: other patient group")
    if changed:
        raise ContractBroken(
            f"{frozen.name}: {len(changed)} of {len(frozen.pictures)} pictures are not what was "
            "frozen",
            value="; ".join(changed[:NAMED]),
            accepted="every picture, mark and group as on the day of freezing",
            remedy="restore it from a backup; a changed test set needs a new name and a new plan",
        )
    return tuple(found[picture.name] for picture in frozen.pictures)


def without_test_patients(frozen: FrozenTestSet | None, samples: Sequence[Sample]) -> list[Sample]:
    """What may be trained on: everything but the patients of the test set.

    Args:
        frozen: The test set, or None where there is none.
        samples: Everything there is.

    Returns:
        The rest, in order.
    """
    if frozen is None:
        return list(samples)
    names = {picture.name for picture in frozen.pictures}
    return [s for s in samples if s.name not in names and s.group not in frozen.groups]


def refuse_overlap(frozen: FrozenTestSet, training: Sequence[Sample]) -> None:
    """Refuse a training set that holds a picture or a patient of the test set.

    Args:
        frozen: The test set.
        training: What would be trained on.

    Raises:
        InvalidInput: If any picture is equal in pixels, or any patient group is on both sides.
    """
    pixels = {picture.pixels_sha256 for picture in frozen.pictures}
    touching = [
        f"{sample.name}: {why}"
        for sample in training
        for why in (
            "equal pixels" if pixels_sha256(sample) in pixels else "",
            f"patient {sample.group}" if sample.group in frozen.groups else "",
        )
        if why
    ]
    if touching:
        raise InvalidInput(
            f"the training set touches the frozen test set {frozen.name} in {len(touching)} places",
            value="; ".join(touching[:NAMED]),
            accepted="no picture and no patient of the test set",
            remedy="leave these patients out of training, whichever site sent them",
        )
