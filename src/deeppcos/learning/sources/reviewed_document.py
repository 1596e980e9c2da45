"""``deeppcos.reviewed/1``: reviewed studies on disk, as the web application exports them.

Owns the document's shape, its JSON Schema, and writing it. What an entry means for training is
the business of ``reviewed``. A folder holds ``reviewed.json`` and the pictures it names. ``null``
means that nobody looked; an empty list means that somebody looked and found nothing.
"""

import hashlib
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deeppcos.errors import InvalidInput

DOCUMENT_NAME = "reviewed.json"
SCHEMA_NAME: Literal["deeppcos.reviewed/1"] = "deeppcos.reviewed/1"

Corner = tuple[float, float]
Text = Annotated[str, Field(min_length=1, max_length=200)]


class _Part(BaseModel):
    """What every part of the document has: frozen, and no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Outline(_Part):
    """One outline as a reader left it."""

    polygon: list[Corner] = Field(
        min_length=3, description="Corners (x, y) in pixels of the stored picture."
    )
    certainty: Literal["sure", "maybe"] = Field(description="`maybe` where the reader doubted.")


class Reading(_Part):
    """What one reader saw on one picture."""

    reader: Text = Field(description="Pseudonym of the reader, the same in every export.")
    is_clinician: bool | None = Field(description="Null when it is not known.")
    read_at: datetime = Field(description="When the reading was finished, with time zone.")
    release_shown: Text | None = Field(
        description="Release whose proposals the reader saw before; null when read without any."
    )
    shows: Literal["ovary", "lesion", "neither", "not_assessable"] = Field(
        description="`neither`: ultrasound without ovary and lesion; `not_assessable`: too poor."
    )
    ovaries: list[Outline] | None = Field(description="Null: nobody looked. Empty: none there.")
    follicles: list[Outline] | None = Field(description="Null: nobody looked. Empty: none there.")
    lesions: list[Outline] | None = Field(description="Null: nobody looked. Empty: none there.")
    note: str = Field(default="", max_length=2000)


class ReviewedImage(_Part):
    """One picture and its readings."""

    file: Text = Field(description="Picture below the document's folder, PNG without loss.")
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    mm_per_pixel: tuple[float, float] | None = Field(
        description="Along x and y, or null: never guessed."
    )
    readings: list[Reading] = Field(min_length=1)


class ReviewedStudy(_Part):
    """One study of one patient."""

    study: Text = Field(description="Pseudonym of the study.")
    patient_group: Text = Field(
        description="Pseudonym of the patient: all her studies carry the same, whichever site "
        "exported them."
    )
    may_train: bool = Field(
        description="Whether consent covers training; without it the study is passed over."
    )
    images: list[ReviewedImage]


class ReviewedDocument(_Part):
    """Reviewed studies of one export."""

    schema_name: Literal["deeppcos.reviewed/1"] = Field(alias="schema")
    exported_at: datetime
    exported_by: Text = Field(description="Program and version.")
    studies: list[ReviewedStudy]

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def load_reviewed(folder: Path) -> ReviewedDocument:
    """Read and check the document of a folder.

    Args:
        folder: Folder of ``reviewed.json``.

    Returns:
        The document.

    Raises:
        InvalidInput: If it is missing or does not follow the schema; each problem is named.
    """
    path = folder / DOCUMENT_NAME
    if not path.is_file():
        raise InvalidInput(f"{folder}: no {DOCUMENT_NAME}", remedy="name the folder of an export")
    try:
        return ReviewedDocument.model_validate_json(path.read_bytes())
    except ValidationError as problem:
        named = "; ".join(
            f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in problem.errors()[:10]
        )
        raise InvalidInput(
            f"{path}: does not follow {SCHEMA_NAME}",
            value=named,
            accepted="docs/schemas/reviewed-1.schema.json",
            remedy="export it again",
        ) from problem


def write_reviewed(document: ReviewedDocument, folder: Path) -> Path:
    """Write the document last and at once, so that its existence means a complete export.

    Args:
        document: The document.
        folder: Folder that already holds every picture it names.

    Returns:
        The file.

    Raises:
        InvalidInput: If a picture is missing or is not the one whose checksum is stated.
    """
    for image in (image for study in document.studies for image in study.images):
        picture = folder / image.file
        if not picture.is_file() or sha256_of(picture) != image.sha256:
            raise InvalidInput(
                f"{image.file}: missing, or not the picture whose checksum is stated",
                remedy="write the pictures before the document",
            )
    path = folder / DOCUMENT_NAME
    unfinished = path.with_suffix(".json.part")
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(document.model_dump_json(by_alias=True, indent=1))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def reviewed_schema() -> dict[str, Any]:
    """JSON Schema of the document, as it stands in ``docs/schemas``."""
    schema = ReviewedDocument.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text() -> str:
    """The JSON Schema as the text of its file."""
    return json.dumps(reviewed_schema(), indent=2, ensure_ascii=False) + "\n"
