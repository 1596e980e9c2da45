"""The training views: a fixed mix of sources, in an order that a kill does not change.

Every view has a number, and its own generator from the seed and that number. What is shown at a
step therefore depends on nothing that happened before: a resumed run goes on with the very views
it would have seen, however many threads draw them and however many processes share the batch.
Owns the mix; how one view is drawn is the business of ``augment``.
"""

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from deeppcos.errors import InvalidInput
from deeppcos.learning import augment
from deeppcos.learning.samples import Mask, Sample
from deeppcos.learning.train.config import TrainConfig
from deeppcos.vision.preprocess import INPUT_SIDE_PX, View, normalise

BATCHES_AHEAD = 3
NOISE_SHARE = 0.3
MASS_SHARE = 0.3
"""Whole frames of an ovary that get another woman's mass beside it."""

MOST_CACHED_BYTES = 6 << 30
"""Truth maps kept in memory; the others are made again each time."""

MIX = (
    ("frame_ovary", 0.20),
    ("frame_lesion", 0.20),
    ("close_marked", 0.27),
    ("close_lesion", 0.07),
    ("synthetic", 0.13),
    ("elsewhere", 0.06),
    ("nothing", 0.07),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Views of one step for one process.

    Attributes:
        names: Name of the sample each view shows.
        views: The views.
    """

    names: tuple[str, ...]
    views: tuple[augment.TrainingView, ...]


class ViewStream:
    """Training views by number.

    Args:
        samples: What is shown.
        config: The run's configuration.

    Raises:
        InvalidInput: If no picture has follicle marks.
    """

    def __init__(self, samples: tuple[Sample, ...], config: TrainConfig) -> None:
        self._config = config
        self._maps: dict[str, augment.Greys] = {}
        self._cached_bytes = 0
        real = [s for s in samples if s.source != "synthetic"]
        self._pools = {
            "frame_ovary": [s for s in real if s.kind == "ovary"],
            "frame_lesion": [s for s in real if s.kind == "lesion"],
            "close_marked": [s for s in real if s.readings and s.ovary is not None],
            "close_lesion": [s for s in real if s.kind == "lesion"],
            "synthetic": [s for s in samples if s.source == "synthetic"],
            "elsewhere": [s for s in real if s.kind in ("ovary", "lesion")],
            "nothing": [s for s in real if s.kind in ("neither", "foreign")],
        }
        if not self._pools["close_marked"]:
            raise InvalidInput("no picture with follicle marks", remedy="add a marked data set")
        self._kinds = [kind for kind, _ in MIX if self._pools[kind] or kind == "nothing"]
        shares = np.array([share for kind, share in MIX if kind in self._kinds])
        self._shares = shares / shares.sum()
        self._donors: tuple[augment.DonorFollicle, ...] = ()
        if config.paste_follicles:
            marked = self._pools["close_marked"]
            self._donors = tuple(d for s in marked for d in augment.donor_follicles(s))

    def view(self, number: int) -> tuple[str, augment.TrainingView]:
        """One view of the mix, and the name of what it shows; the same for the same number."""
        rng = np.random.default_rng([self._config.seed, number])
        kind = self._kinds[int(rng.choice(len(self._kinds), p=self._shares))]
        pool = self._pools[kind]
        if kind == "nothing" and (not pool or rng.random() < NOISE_SHARE):
            return "drawn noise", _noise(rng)
        sample = pool[int(rng.integers(len(pool)))]
        return sample.name, self._view_of(sample, kind, rng)

    def _view_of(self, sample: Sample, kind: str, rng: np.random.Generator) -> augment.TrainingView:
        """A view of a sample as its place in the mix asks for."""
        view = None
        if kind == "close_marked" or (kind == "synthetic" and rng.random() < 0.5):
            view = _object_view(sample.ovary, rng)
        elif kind == "close_lesion":
            view = _object_view(sample.lesion, rng)
        elif kind == "elsewhere":
            view = augment.elsewhere_view(sample, rng)
        if view is None:
            view = augment.frame_view(sample, rng)
        shown = sample if self._config.clean_graphics else _with_graphics(sample)
        harder = self._config.harder_views
        mass = self._mass(rng) if harder and kind == "frame_ovary" else None
        return augment.draw_view(
            shown,
            self._truth(sample),
            view,
            rng,
            self._donors,
            mass=mass,
            varies_contrast=harder,
        )

    def _mass(self, rng: np.random.Generator) -> Sample | None:
        """A lesion to paste beside the ovary, in the share of views that get one."""
        lesions = self._pools["frame_lesion"]
        if not (lesions and rng.random() < MASS_SHARE):
            return None
        return lesions[int(rng.integers(len(lesions)))]

    def _truth(self, sample: Sample) -> augment.Greys:
        """Truth maps of a sample, kept while there is room."""
        known = self._maps.get(sample.name)
        if known is not None:
            return known
        maps = augment.truth_maps(sample)
        if self._cached_bytes + maps.nbytes <= MOST_CACHED_BYTES:
            self._maps[sample.name] = maps
            self._cached_bytes += maps.nbytes
        return maps

    def batch(self, step: int, *, rank: int = 0, processes: int = 1) -> Batch:
        """One process's share of a step's views.

        Args:
            step: Optimiser step, from 0.
            rank: Number of the process.
            processes: Processes that share the batch.

        Returns:
            The views; all shares together are the same for any number of processes.
        """
        first = step * self._config.batch
        drawn = [self.view(first + n) for n in range(rank, self._config.batch, processes)]
        return Batch(names=tuple(n for n, _ in drawn), views=tuple(v for _, v in drawn))

    def batches(
        self, start: int, *, rank: int = 0, processes: int = 1
    ) -> Generator[Batch, None, None]:
        """Batches from a step on, drawn ahead of the network; errors of drawing rise here."""
        ahead: deque[Future[Batch]] = deque()
        step = start
        pool = ThreadPoolExecutor(max_workers=self._config.workers)
        try:
            while True:
                while len(ahead) < BATCHES_AHEAD + self._config.workers:
                    ahead.append(pool.submit(self.batch, step, rank=rank, processes=processes))
                    step += 1
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _object_view(mask: Mask | None, rng: np.random.Generator) -> View | None:
    """A close view, or None when nothing is outlined."""
    return None if mask is None or not mask.any() else augment.object_view(mask, rng)


def _noise(rng: np.random.Generator) -> augment.TrainingView:
    """A view of nothing."""
    empty = np.zeros((4, INPUT_SIDE_PX, INPUT_SIDE_PX), np.float32)
    return augment.TrainingView(
        picture=normalise(augment.noise_picture(rng)),
        target=empty,
        weight=np.ones_like(empty),
        answers=np.zeros(2, np.float32),
        answer_weight=np.ones(2, np.float32),
    )


def _with_graphics(sample: Sample) -> Sample:
    """The sample with its burned-in graphics left in, for the ablation."""
    return replace(sample, grey=sample.raw_grey)
