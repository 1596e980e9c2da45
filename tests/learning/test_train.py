"""The loop: what it learns from, what it weighs, and going on after a kill."""

import json
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from deeppcos.errors import ContractBroken, InvalidInput  # noqa: E402
from deeppcos.learning import train as training  # noqa: E402
from deeppcos.learning.samples import FollicleMark, Sample  # noqa: E402
from deeppcos.learning.splits import fold_of  # noqa: E402
from deeppcos.learning.train import (  # noqa: E402
    HELD_OUT_FOLD,
    SPLIT_SALT,
    TrainConfig,
    ViewStream,
    loss_of,
    rate_at,
    split_samples,
    train,
)

if TYPE_CHECKING:
    from torch import Tensor

TINY = TrainConfig(network="plain_unet", steps=4, batch=2, synthetic=0, threads=1)


def sample(number: int, *, source: str = "mmotu", kind: str = "ovary") -> Sample:
    rng = np.random.default_rng(number)
    grey = rng.integers(40, 160, (160, 200)).astype(np.uint8)
    outlined = np.zeros(grey.shape, bool)
    outlined[40:120, 50:150] = True
    nothing = np.zeros_like(outlined)
    polygon = np.array([[80, 60], [110, 60], [110, 90], [80, 90]], np.float32)
    grey[60:91, 80:111] = 5
    marks = (FollicleMark(polygon=polygon, is_sure=True),)
    return Sample(
        name=f"{source}/{kind}{number}",
        source=source,
        group=f"{source}/{kind}{number}",
        kind=kind,
        grey=grey,
        raw_grey=255 - grey,
        ovary=outlined if kind == "ovary" else nothing,
        lesion=outlined if kind == "lesion" else nothing,
        readings={"r1": marks} if kind == "ovary" else {},
        subgroup="x",
    )


def test_one_fold_of_groups_is_held_out_and_synthetic_scenes_never() -> None:
    real = [sample(n) for n in range(40)]
    scenes = [sample(n, source="synthetic") for n in range(20)]
    split = split_samples([*real, *scenes])
    assert {s.source for s in split.held_out} == {"mmotu"}
    for one in split.held_out:
        assert fold_of(one.group, folds=5, salt=SPLIT_SALT) == HELD_OUT_FOLD
    assert len(split.training) + len(split.held_out) == 60
    assert 2 <= len(split.held_out) <= 16


def test_a_group_of_two_kinds_that_would_be_divided_is_refused() -> None:
    shared = next(
        g
        for g in (f"g{n}" for n in range(200))
        if fold_of(g, folds=2, salt=SPLIT_SALT) == 1
        and fold_of(g, folds=5, salt=SPLIT_SALT) != HELD_OUT_FOLD
    )
    pair = [replace(sample(1), group=shared), replace(sample(2, kind="neither"), group=shared)]
    with pytest.raises(ContractBroken, match="both sides"):
        split_samples(pair)


def test_the_rate_warms_up_peaks_and_falls_to_a_hundredth() -> None:
    rates = [rate_at(step, steps=1000, peak=2.0) for step in range(1000)]
    assert rates[0] == pytest.approx(2.0 / 40)
    assert max(rates) == pytest.approx(2.0)
    assert rates.index(max(rates)) in (39, 40)
    assert all(a >= b for a, b in pairwise(rates[40:]))
    assert rates[-1] == pytest.approx(0.02, rel=0.02)


def maps(fill: float) -> "Tensor":
    filled: Tensor = torch.full((1, 4, 8, 8), fill)
    return filled


def lost(logits: "Tensor", target: "Tensor", weight: "Tensor") -> float:
    loss = loss_of(
        logits,
        torch.zeros(1, 2),
        target=target,
        weight=weight,
        answer_target=torch.full((1, 2), 0.5),
        answer_weight=torch.ones(1, 2),
    )
    return float(loss)


def test_better_maps_lose_less() -> None:
    target = maps(0.0)
    target[..., :4] = 1.0
    good, poor = (target * 2 - 1) * 8, (target * 2 - 1) * -8
    assert lost(good, target, maps(1.0)) < lost(maps(0.0), target, maps(1.0))
    assert lost(maps(0.0), target, maps(1.0)) < lost(poor, target, maps(1.0))


def test_where_nobody_looked_nothing_is_lost() -> None:
    weight = maps(1.0)
    weight[:, 2:] = 0.0
    target = maps(0.0)
    one, other = maps(0.0), maps(0.0)
    other[:, 2:] = 50.0
    assert lost(one, target, weight) == pytest.approx(lost(other, target, weight))
    weight[:, 2:] = 1.0
    assert lost(other, target, weight) > lost(one, target, weight) + 10


def test_views_come_in_batches_from_every_source_of_the_mix() -> None:
    samples = (sample(1), sample(2, kind="lesion"), sample(3, kind="neither"))
    stream = ViewStream(samples, TINY)
    views = [stream.draw() for _ in range(90)]
    assert {tuple(v.answers.tolist()) for v in views} >= {(1.0, 0.0), (0.0, 1.0), (0.0, 0.0)}
    assert all(v.picture.shape == (256, 256) for v in views)


def test_a_stream_draws_the_same_views_from_the_same_seed() -> None:
    one, other = (ViewStream((sample(1),), TINY) for _ in "ab")
    for _ in range(4):
        assert np.array_equal(one.draw().picture, other.draw().picture)


def test_without_follicle_marks_there_is_nothing_to_learn_from() -> None:
    with pytest.raises(InvalidInput, match="follicle marks"):
        ViewStream((sample(1, kind="lesion"),), TINY)


def test_a_folder_of_another_configuration_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(asdict(TINY), indent=1, sort_keys=True))
    with pytest.raises(InvalidInput, match="another configuration"):
        train((sample(1),), replace(TINY, seed=2), tmp_path)


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = (sample(1), sample(2, kind="lesion"), sample(3, kind="neither"))
    monkeypatch.setattr("cv2.setNumThreads", lambda count: None)
    train(samples, replace(TINY, steps=2), tmp_path)
    # A run of four steps killed after its second checkpoint leaves exactly this.
    (tmp_path / "final.pt").unlink()
    stated = json.dumps(asdict(TINY), indent=1, sort_keys=True)
    (tmp_path / "config.json").write_text(stated)
    halfway = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert halfway["step"] == 2
    steps = []
    real_step = training._step

    def counted(*args: object) -> float:
        loss: float = real_step(*args)  # type: ignore[arg-type]
        steps.append(loss)
        return loss

    monkeypatch.setattr(training, "_step", counted)
    final = train(samples, TINY, tmp_path)
    assert len(steps) == 2
    assert np.isfinite(steps).all()
    whole = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert whole["step"] == 4
    assert whole["averaged"]["n_averaged"] == 4
    moved = [not torch.equal(whole["network"][k], v) for k, v in halfway["network"].items()]
    assert sum(moved) > len(moved) / 2
    averaged = torch.load(final, weights_only=True)
    assert averaged.keys() == whole["network"].keys()
    assert not (tmp_path / "checkpoint.new").exists()
    train(samples, TINY, tmp_path)
    assert len(steps) == 2


@pytest.mark.slow
def test_a_loss_that_is_no_number_stops_the_run_before_it_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_step", lambda *args: float("nan"))
    with pytest.raises(ContractBroken, match="step 0"):
        train((sample(1),), TINY, tmp_path)
    assert not (tmp_path / "checkpoint.pt").exists()
    assert not (tmp_path / "final.pt").exists()
