"""Views by number: the same whatever happened before."""

from collections.abc import Callable
from contextlib import closing

import numpy as np
import pytest

pytest.importorskip("torch")

from deeppcos.errors import InvalidInput
from deeppcos.learning.samples import Sample
from deeppcos.learning.train import TrainConfig
from deeppcos.learning.train.views import ViewStream

Make = Callable[..., Sample]
SMALL = TrainConfig(network="plain_unet", steps=4, batch=4, synthetic=0, threads=1)


def test_views_come_from_every_source_of_the_mix(make_sample: Make) -> None:
    samples = (make_sample(1), make_sample(2, kind="lesion"), make_sample(3, kind="neither"))
    stream = ViewStream(samples, SMALL)
    drawn = [stream.view(number) for number in range(90)]
    answers = {tuple(view.answers.tolist()) for _, view in drawn}
    assert answers >= {(1.0, 0.0), (0.0, 1.0), (0.0, 0.0)}
    assert all(view.picture.shape == (256, 256) for _, view in drawn)
    assert {name for name, _ in drawn} == {s.name for s in samples} | {"drawn noise"}


def test_a_view_depends_on_its_number_and_the_seed_alone(make_sample: Make) -> None:
    one, other = (ViewStream((make_sample(1),), SMALL) for _ in "ab")
    for number in (7, 3, 3):
        assert np.array_equal(one.view(number)[1].picture, other.view(number)[1].picture)
    assert not np.array_equal(one.view(7)[1].picture, one.view(8)[1].picture)


def test_a_resumed_run_goes_on_with_the_views_it_would_have_seen(make_sample: Make) -> None:
    stream = ViewStream((make_sample(1),), SMALL)
    with closing(stream.batches(0)) as unbroken, closing(stream.batches(2)) as resumed:
        seen = [next(unbroken) for _ in range(4)]
        for whole, again in zip(seen[2:], resumed, strict=False):
            for a, b in zip(whole.views, again.views, strict=True):
                assert np.array_equal(a.picture, b.picture)


def test_processes_share_a_batch_without_changing_it(make_sample: Make) -> None:
    stream = ViewStream((make_sample(1), make_sample(2, kind="lesion")), SMALL)
    whole = stream.batch(5)
    shares = [stream.batch(5, rank=rank, processes=2) for rank in (0, 1)]
    together = [shares[n % 2].views[n // 2] for n in range(4)]
    for a, b in zip(whole.views, together, strict=True):
        assert np.array_equal(a.picture, b.picture)


def test_without_follicle_marks_there_is_nothing_to_learn_from(make_sample: Make) -> None:
    with pytest.raises(InvalidInput, match="follicle marks"):
        ViewStream((make_sample(1, kind="lesion"),), SMALL)
