"""What two readers reach against each other, by the measures a network is measured with."""

from collections.abc import Sequence

from deeppcos.learning import metrics
from deeppcos.learning.evaluate.compare import NOTHING, SampleResult, compare_follicles
from deeppcos.learning.evaluate.figures import follicle_figures
from deeppcos.learning.samples import Sample


def reader_agreement(samples: Sequence[Sample]) -> dict[str, metrics.Measured]:
    """What two readers reach against each other, on pictures read twice.

    Args:
        samples: Samples, of which those with two readings count.

    Returns:
        The figures of ``follicle_figures``, second reader against first.
    """
    twice = [s for s in samples if len(s.readings) >= 2 and s.source != "synthetic"]
    results = []
    for sample in twice:
        first, second = list(sample.readings.values())[:2]
        as_seen = [(tuple(map(tuple, m.polygon.tolist())), 1.0) for m in second]
        results.append(
            SampleResult(
                name=sample.name,
                group=sample.group,
                source=sample.source,
                kind=sample.kind,
                subgroup=sample.subgroup,
                look=NOTHING,
                ovary_dice=None,
                lesion_dice=None,
                ovary_overlaps=None,
                follicles=compare_follicles(as_seen, first, shape=sample.grey.shape),
            )
        )
    return follicle_figures(results) if results else {}
