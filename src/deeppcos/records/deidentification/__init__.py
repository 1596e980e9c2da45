"""De-identification of ultrasound images, pictures and tables, failing closed.

Basis: DICOM PS3.15 Annex E, Basic Application Level Confidentiality Profile with the options
Clean Pixel Data, Retain Patient Characteristics, and Retain Longitudinal Temporal Information
with Modified Dates. Everything that is not known to be harmless is removed or refused.

Who calls what:

- files and folders: ``deidentify(files, into=, private=, key=)`` (``folder``);
- one DICOM image: ``clean_image`` with ``disguise_of`` (``image``, ``header``);
- a picture at hand, such as a PNG of an export: ``clean_picture(pixels)`` and ``write_png``;
- rows of a table: ``deidentify_rows(rows, columns=, key=)`` (``tables``);
- the key: ``key_at(path)``. The same key gives images and tables the same pseudonyms.

The web application's research exports use the last three with one key of the site.
"""

from deeppcos.records.deidentification.folder import (
    DeidentificationPolicy,
    DeidentificationReport,
    DoneFile,
    deidentify,
    shown_after,
)
from deeppcos.records.deidentification.header import Disguise, disguise_of, patient_of
from deeppcos.records.deidentification.image import CleanedImage, clean_image
from deeppcos.records.deidentification.key import DeidentificationKey, key_at, new_key
from deeppcos.records.deidentification.picture import CleanedPicture, clean_picture, write_png
from deeppcos.records.deidentification.tables import Holds, deidentify_rows

__all__ = [
    "CleanedImage",
    "CleanedPicture",
    "DeidentificationKey",
    "DeidentificationPolicy",
    "DeidentificationReport",
    "Disguise",
    "DoneFile",
    "Holds",
    "clean_image",
    "clean_picture",
    "deidentify",
    "deidentify_rows",
    "disguise_of",
    "key_at",
    "new_key",
    "patient_of",
    "shown_after",
    "write_png",
]
