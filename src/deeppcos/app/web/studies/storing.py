"""Keeping the files of a study: whole, once each, under names of our own.

Owns the way of one file into the study's folder. What may be uploaded is the business of
``uploads``; what a file holds that of the reading process.
"""

import errno
import hashlib
import os
from pathlib import Path, PurePath
from uuid import uuid4

from django.db import transaction
from django.db.models import Max

from deeppcos.app.web.models import Image, Study
from deeppcos.errors import TemporaryFailure
from deeppcos.records.on_disk import force_folder_to_disk

BLOCK = 1 << 20
LONGEST_SUFFIX = 10


def keep_file(study: Study, source: Path, *, name: str) -> Image | None:
    """Copy one file into a study.

    The file is on the disk, synced, before its row is written: what is acknowledged is kept.

    Args:
        study: The study.
        source: The file; left as it is.
        name: What its owner calls it; only shown, never part of a path.

    Returns:
        Its row, or None if the study holds the same content already, withdrawn or not: what
        somebody withdrew does not come back by being sent again.
    """
    image_id = uuid4()
    stored_as = f"{image_id}{_suffix(name)}"
    folder = study.folder / "images"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sha256 = _copy_durably(source, folder / stored_as)
    except OSError as problem:
        raise no_room(problem) from problem
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)
        every = Image.with_withdrawn.filter(study=study)
        if every.filter(sha256=sha256).exists():
            (folder / stored_as).unlink()
            return None
        last = every.aggregate(last=Max("position"))["last"]
        return Image.objects.create(
            pk=image_id,
            study=study,
            position=0 if last is None else last + 1,
            name=_free_name(study, name),
            stored_as=stored_as,
            sha256=sha256,
            size_bytes=source.stat().st_size,
        )


def withdrawn_copy(study: Study, source: Path) -> Image | None:
    """The withdrawn picture of a study that has the same content as a file, if there is one."""
    with source.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    withdrawn = Image.with_withdrawn.filter(study=study, sha256=sha256)
    return withdrawn.exclude(withdrawn_at=None).first()


def no_room(problem: OSError) -> TemporaryFailure:
    """What a clinician is told when the disk is full or broken."""
    is_full = problem.errno in (errno.ENOSPC, errno.EDQUOT)
    return TemporaryFailure(
        "the server's disk is full" if is_full else "the server's disk cannot be written",
        value="" if is_full else str(problem.strerror),
        remedy="nothing of this was kept; what was acknowledged before is safe; tell your "
        "administrator and try again later",
    )


def _suffix(name: str) -> str:
    """A harmless ending; ``.nii.gz`` keeps both parts."""
    suffixes = [part.lower() for part in PurePath(name).suffixes[-2:]]
    kept = suffixes if suffixes[-1:] == [".gz"] else suffixes[-1:]
    return "".join(s for s in kept if s[1:].isalnum() and len(s) <= LONGEST_SUFFIX)


def _free_name(study: Study, name: str) -> str:
    """A name no other file of the study is shown under."""
    shown = "".join(c for c in name if c.isprintable()).strip()[-200:] or "file"
    taken = set(Image.with_withdrawn.filter(study=study).values_list("name", flat=True))
    number, free = 2, shown
    while free in taken:
        free = f"{shown} ({number})"
        number += 1
    return free


def _copy_durably(source: Path, target: Path) -> str:
    """Copy whole or not at all, wait until it is on the disk, and give its SHA-256."""
    digest = hashlib.sha256()
    fresh = target.with_name(f".{target.name}.partial")
    try:
        with source.open("rb") as content, fresh.open("wb") as kept:
            while block := content.read(BLOCK):
                digest.update(block)
                kept.write(block)
            kept.flush()
            os.fsync(kept.fileno())
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    force_folder_to_disk(target.parent)
    return digest.hexdigest()
