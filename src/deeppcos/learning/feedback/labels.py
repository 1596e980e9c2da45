"""A consensus export written beside the readings it rests on.

Owns the folder. Pictures are copied, so that either folder can be moved or removed alone.
"""

import shutil
from pathlib import Path

from deeppcos.errors import InvalidInput
from deeppcos.learning.feedback.consensus import consensus_document
from deeppcos.learning.sources.labelled import inside
from deeppcos.learning.sources.reviewed_document import load_reviewed, write_reviewed


def write_consensus(source: Path, out: Path) -> tuple[int, int]:
    """Write the consensus of an export.

    Args:
        source: Folder of an export.
        out: A folder that is not there yet.

    Returns:
        Pictures of the export, and pictures of the consensus.

    Raises:
        InvalidInput: If ``out`` exists, or the export is damaged.
    """
    if out.exists():
        raise InvalidInput(f"{out} is there already", remedy="name a new folder")
    document = load_reviewed(source)
    settled = consensus_document(document)
    images = [image for study in settled.studies for image in study.images]
    out.mkdir(parents=True)
    for image in images:
        # A name that leads out of the export is refused here, before anything is written.
        picture, target = inside(source, image.file), out / image.file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(picture, target)
    write_reviewed(settled, out)
    return sum(len(study.images) for study in document.studies), len(images)
