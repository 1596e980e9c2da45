"""What enlarges an ovary, so that its volume is not read: dominant follicle, cyst, corpus luteum.

Owns which picture of a study shows one, and what is said of it. How a body is told to look like a
corpus luteum is the business of ``luteal_bodies``.
"""

from collections.abc import Sequence

from deeppcos.vision.findings import FollicleKind, Lesion, Ovary
from deeppcos.vision.geometry import overlap_px
from deeppcos.vision.study_files import (
    FileKind,
    FrameReference,
    SeenSection,
    StudyFileFindings,
    sections_of,
)

WITHIN_OVARY = 0.3
"""Share of a lesion that must lie in the ovary for it to forbid reading the volume."""

FORBIDS = (
    "a follicle of 10 mm or more, a corpus luteum or a cyst enlarges this ovary: its volume is "
    "not read; repeat when the ovary is quiet"
)
UNTIL_SETTLED = (
    "until that is settled the volume is not read. On phantom stills 40 % of corpora lutea get the "
    "flag and 14 % of ovaries without one: it rules nothing in, and its absence nothing out"
)


def first_dominant(files: Sequence[StudyFileFindings]) -> FrameReference | None:
    """The first frame with a dominant follicle or a cyst-like body in the ovary.

    Args:
        files: Findings of the files of one side.
    """
    for file in files:
        for section in sections_of(file):
            kinds = {follicle.kind for follicle in section.ovary.follicles}
            if FollicleKind.DOMINANT in kinds or any(
                _lies_within(lesion, section.ovary) for lesion in section.lesions
            ):
                return section.where
    return None


def first_luteal_like(files: Sequence[StudyFileFindings]) -> SeenSection | None:
    """The first still with a body that looks like a corpus luteum.

    Of a sweep's many frames some would be flagged by chance: the rule was measured on stills.

    Args:
        files: Findings of the files of one side.
    """
    stills = (file for file in files if file.kind is FileKind.STILL)
    sections = (section for file in stills for section in sections_of(file))
    return next((section for section in sections if section.ovary.luteal_like), None)


def look_at_body(section: SeenSection) -> str:
    """Which body to look at, and what waits for it.

    Args:
        section: A section with such a body.
    """
    sizes = [section.ovary.follicles[place].mean_diameter_mm for place in section.ovary.luteal_like]
    said = " and ".join(f"{size:.0f} mm" for size in sizes if size is not None)
    return (
        f"{section.where.source}: corpus-luteum-like body ({said}, echoes inside): look at it, and "
        f"{UNTIL_SETTLED}"
    )


def _lies_within(lesion: Lesion, ovary: Ovary) -> bool:
    """Whether a body that is no follicle lies in the ovary."""
    shared, area, _ = overlap_px(lesion.polygon, ovary.polygon)
    return area > 0 and shared >= WITHIN_OVARY * area
