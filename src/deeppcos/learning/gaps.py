"""What stands between a release and its aims: what was tried, and which data would help.

Owns those words, for the model card and the table of benchmarks. What was tried is told at length,
with numbers, in ``docs/experiments.md``; a new experiment there belongs here too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deeppcos.learning.aims import AIMS, aimed_figures, verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What stands between a release and some of the aims.

    Attributes:
        name: What is short, in words.
        figures: The aims it is about.
        tried: What was tried, with what came of it.
        closed_by: Data that would close it.
    """

    name: str
    figures: tuple[str, ...]
    tried: str
    closed_by: str


def _of(*sources: str, rows: Iterable[str]) -> tuple[str, ...]:
    """Rows of several data sets."""
    return tuple(f"{source} {row}" for source in sources for row in rows)


GAPS = (
    Gap(
        name="follicles and their count",
        figures=_of(
            "mmotu",
            "closeups",
            rows=(
                "follicle F1 at IoU 0.3",
                "follicle F1 at IoU 0.5",
                "count concordance",
                "count mean absolute error",
            ),
        ),
        tried="the mirror image, a closer view and a least score (helped, chosen on half of the "
        "groups); a second round of training (helped); twice as many steps with more machines' "
        "looks (worse on other patients); the mean of several runs' weights (could not be judged "
        "without held-out groups)",
        closed_by="ovaries of a few hundred more patients from several machines, follicles marked "
        "from scratch by two sonographers: 173 pictures of some 60 patients are learned by heart",
    ),
    Gap(
        name="ovaries missed or outlined badly",
        figures=_of("mmotu", rows=("ovary Dice mean", "ovary Dice median")),
        tried="more whole frames of ovaries in the mix and less weight of unmarked tissue beside "
        "masses (worse); a second round of training (0.53 to 0.59); finer squares besides the "
        "whole picture (0.59 to 0.71, missed 23 % to 10 %)",
        closed_by="normal ovaries without follicles and beside masses, outlined, of more "
        "patients and machines",
    ),
    Gap(
        name="lesions",
        figures=(
            "lesion Dice mean",
            "lesion Dice median",
            "lesion against ovary AUROC",
            "lesion Dice mean, a class never seen",
            "lesion Dice median, a class never seen",
        ),
        tried="twice as many steps (Dice 0.80 for 0.77, AUROC 0.92 for 0.95: not shipped)",
        closed_by="normal ovaries in plenty (213 stand beside 951 lesions), and a class of lesion "
        "that is kept from training altogether",
    ),
    Gap(
        name="transabdominal pictures",
        figures=("transabdominal follicle F1 at IoU 0.3",),
        tried="phantoms seen through the abdomen, in training and measured (the evidence page "
        "other-machines): no stand-in for a patient",
        closed_by="transabdominal ovaries with marked follicles, from a machine that is not in "
        "training; without them the release is not for such pictures",
    ),
    Gap(
        name="what is no ovary",
        figures=("accepted without an ovary",),
        tried="photographs, pages, noise and phantoms of other organs in training",
        closed_by="real pictures of other organs: the pool holds one uterus to measure on",
    ),
    Gap(
        name="calibration and coverage",
        figures=(
            "calibration error, ovary",
            "calibration error, follicle",
            "count interval coverage",
        ),
        tried="slope and intercept (shipped), slope alone and isotonic (worse); a perfect "
        "forecaster was drawn on as few outlines: it shows an error of 0.114 for 69 ovaries and "
        "0.066 for 99 follicles, so 0.03 cannot be shown on so few",
        closed_by="held-out patients: 35 groups are too few to set an interval to within 5 % or "
        "to show an error of 0.03",
    ),
)
"""Every aim belongs to one gap; one whose aims are all met is not told."""


def open_gaps(measured: Mapping[str, Any]) -> list[Gap]:
    """The gaps of which some aim is not met, in their order.

    Args:
        measured: The metrics of a manifest.

    Returns:
        The gaps.
    """
    figures = aimed_figures(measured)
    unmet = {aim.figure for aim in AIMS if verdict(aim, figures.get(aim.figure)) != "met"}
    return [gap for gap in GAPS if unmet & {*gap.figures}]
