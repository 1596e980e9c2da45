"""What a network measures on held-out groups, beside a plain baseline and human readers.

``compare`` looks at one picture beside its truth, ``figures`` pools many, ``subgroups`` takes them
apart again, ``probabilities`` asks whether confidence is deserved, ``measured`` puts everything
that a manifest holds together.
"""

from deeppcos.learning.evaluate.compare import (
    IOU_LEVELS,
    NOTHING,
    FollicleComparison,
    SampleResult,
    at_least_score,
    compare_follicles,
    look_at_samples,
)
from deeppcos.learning.evaluate.figures import follicle_figures, headline
from deeppcos.learning.evaluate.noise import drawn_noise
from deeppcos.learning.evaluate.readers import reader_agreement

__all__ = [
    "IOU_LEVELS",
    "NOTHING",
    "FollicleComparison",
    "SampleResult",
    "at_least_score",
    "compare_follicles",
    "drawn_noise",
    "follicle_figures",
    "headline",
    "look_at_samples",
    "reader_agreement",
]
