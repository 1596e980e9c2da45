"""The loop: going on after a kill, stopping by itself, and refusing what it must."""

import json
import resource
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

from deeppcos.errors import ContractBroken, InvalidInput, TemporaryFailure  # noqa: E402
from deeppcos.learning.samples import Sample  # noqa: E402
from deeppcos.learning.train import TrainConfig, loop, train  # noqa: E402
from deeppcos.learning.train.loop import Moment  # noqa: E402

if TYPE_CHECKING:
    from torch import Tensor

Samples = tuple[Sample, ...]
SMALL = TrainConfig(
    network="tiny", steps=8, batch=4, synthetic=0, threads=1, checkpoint_every=2, validate_every=2
)


def weights(file: Path) -> dict[str, "Tensor"]:
    loaded: dict[str, Tensor] = torch.load(file, weights_only=True)
    return loaded


class Killed(BaseException):
    """Stands for a signal: nothing in the program catches it."""


def killed_at(step: int) -> Callable[[Moment], None]:
    def watch(moment: Moment) -> None:
        if moment.step == step:
            raise Killed

    return watch


@pytest.mark.usefixtures("tiny_network")
def test_a_killed_run_arrives_where_an_unbroken_one_does(
    tmp_path: Path, few_samples: Samples
) -> None:
    train(few_samples, SMALL, tmp_path / "unbroken")
    with pytest.raises(Killed):
        train(few_samples, SMALL, tmp_path / "broken", watch=killed_at(5))
    assert torch.load(tmp_path / "broken" / "checkpoint.pt", weights_only=True)["step"] == 4
    steps: list[int] = []
    train(few_samples, SMALL, tmp_path / "broken", watch=lambda m: steps.append(m.step))
    assert steps == [5, 6, 7, 8]
    one, other = (weights(tmp_path / run / "final.pt") for run in ("unbroken", "broken"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    again: list[int] = []
    train(few_samples, SMALL, tmp_path / "broken", watch=lambda m: again.append(m.step))
    assert again == []


@pytest.mark.usefixtures("tiny_network")
def test_the_log_of_a_resumed_run_has_every_step_once(
    tmp_path: Path, few_samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    with pytest.raises(Killed):
        train(few_samples, SMALL, tmp_path, watch=killed_at(5))
    train(few_samples, SMALL, tmp_path)
    rows = [
        json.loads(line)
        for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [row["step"] for row in rows] == list(range(1, 9))


@pytest.mark.usefixtures("tiny_network")
def test_training_stops_when_the_validation_fold_no_longer_improves(
    tmp_path: Path, few_samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(SMALL, steps=40, validation_fold=3, patience=2)
    losses = iter((3.0, 1.0, 2.0, 2.5))
    real = loop._Run._loss

    def scripted(self, network, batch):  # type: ignore[no-untyped-def]
        is_validation = network is self.learner.averaged.module
        return torch.tensor(next(losses)) if is_validation else real(self, network, batch)

    monkeypatch.setattr(loop, "VALIDATION_BATCHES", 1)
    monkeypatch.setattr(loop._Run, "_loss", scripted)
    seen: list[Moment] = []
    train(few_samples, config, tmp_path, watch=seen.append)
    assert seen[-1].step == 8
    assert seen[-1].stopping.best_step == 4
    final, best = weights(tmp_path / "final.pt"), weights(tmp_path / "best.pt")
    assert all(torch.equal(final[name], best[name]) for name in final)
    last = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert last["step"] == 8
    assert any(not torch.equal(final[k], last["averaged"][f"module.{k}"]) for k in final)
    train(few_samples, config, tmp_path, watch=seen.append)
    assert seen[-1].step == 8


def test_stopping_by_the_held_out_fold_is_refused_with_the_reason() -> None:
    with pytest.raises(InvalidInput, match=r"held-out fold.*measures its own tuning"):
        TrainConfig(validation_fold=1)


@pytest.mark.usefixtures("tiny_network")
def test_a_loss_that_is_no_number_stops_the_run_naming_the_pictures(
    tmp_path: Path, few_samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(self, network, batch):  # type: ignore[no-untyped-def]
        return next(network.parameters()).sum() * float("nan")

    with pytest.raises(Killed):
        train(few_samples, SMALL, tmp_path, watch=killed_at(3))
    before = (tmp_path / "checkpoint.pt").read_bytes()
    monkeypatch.setattr(loop._Run, "_loss", poisoned)
    with pytest.raises(ContractBroken, match=r"not a number at step 2, shown .*mmotu/") as told:
        train(few_samples, SMALL, tmp_path)
    assert "last checkpoint" in str(told.value)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    assert not (tmp_path / "final.pt").exists()


@pytest.mark.usefixtures("tiny_network")
def test_a_gradient_that_is_no_number_never_reaches_the_weights(
    tmp_path: Path, few_samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steep(self, network, batch):  # type: ignore[no-untyped-def]
        return next(network.parameters()).sum().mul(0.0).sqrt()

    monkeypatch.setattr(loop._Run, "_loss", steep)
    with pytest.raises(ContractBroken, match="not a number at step 0"):
        train(few_samples, SMALL, tmp_path)


@pytest.mark.usefixtures("tiny_network")
def test_a_full_disk_leaves_the_last_whole_checkpoint(tmp_path: Path, few_samples: Samples) -> None:
    with pytest.raises(Killed):
        train(few_samples, SMALL, tmp_path, watch=killed_at(3))
    before = (tmp_path / "checkpoint.pt").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
    try:
        with pytest.raises(TemporaryFailure, match=r"cannot be written.*last whole checkpoint\.pt"):
            train(few_samples, SMALL, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    assert not (tmp_path / "checkpoint.new").exists()
    train(few_samples, SMALL, tmp_path)
    assert (tmp_path / "final.pt").is_file()


@pytest.mark.usefixtures("tiny_network")
def test_a_disk_without_any_room_leaves_every_file_of_the_run_whole(
    tmp_path: Path, few_samples: Samples
) -> None:
    with pytest.raises(Killed):
        train(few_samples, SMALL, tmp_path, watch=killed_at(3))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(TemporaryFailure, match="make room"):
            train(few_samples, replace(SMALL, threads=2), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.usefixtures("tiny_network")
def test_a_damaged_configuration_is_named(tmp_path: Path, few_samples: Samples) -> None:
    (tmp_path / "config.json").write_text('{"steps": ', encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"config\.json: damaged"):
        train(few_samples, SMALL, tmp_path)


@pytest.mark.usefixtures("tiny_network")
def test_a_damaged_checkpoint_is_named(tmp_path: Path, few_samples: Samples) -> None:
    train(few_samples, SMALL, tmp_path)
    whole = (tmp_path / "checkpoint.pt").read_bytes()
    (tmp_path / "checkpoint.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidInput, match="damaged checkpoint"):
        train(few_samples, SMALL, tmp_path)


@pytest.mark.usefixtures("tiny_network")
def test_a_folder_of_another_run_is_not_taken_over(tmp_path: Path, few_samples: Samples) -> None:
    train(few_samples, SMALL, tmp_path)
    with pytest.raises(InvalidInput, match=r"another configuration; got other seed"):
        train(few_samples, replace(SMALL, seed=2), tmp_path)
    with pytest.raises(InvalidInput, match="other samples"):
        train(few_samples[1:], SMALL, tmp_path)
    train(few_samples, replace(SMALL, workers=2, threads=2), tmp_path)


@pytest.mark.usefixtures("tiny_network")
def test_a_run_begun_before_a_setting_existed_goes_on(tmp_path: Path, few_samples: Samples) -> None:
    fields = asdict(SMALL)
    for name in ("precision", "workers", "patience", "validation_fold"):
        fields.pop(name)
    (tmp_path / "config.json").write_text(json.dumps(fields), encoding="utf-8")
    train(few_samples, SMALL, tmp_path)
    assert (tmp_path / "final.pt").is_file()


@pytest.mark.usefixtures("tiny_network")
def test_processes_that_did_not_join_are_not_left_to_overwrite_each_other(
    tmp_path: Path, few_samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(few_samples, replace(SMALL, steps=1), tmp_path / "alone")  # the engine now knows of one
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ContractBroken, match="do not know each other; got 2 started, 1 joined"):
        train(few_samples, SMALL, tmp_path / "two")
    assert not (tmp_path / "two").exists()


@pytest.mark.usefixtures("tiny_network")
def test_an_unknown_tracker_is_refused(tmp_path: Path, few_samples: Samples) -> None:
    with pytest.raises(InvalidInput, match="unknown tracker"):
        train(few_samples, SMALL, tmp_path, track="paper")


@pytest.mark.usefixtures("tiny_network")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_curves_are_written_for_tensorboard_when_wanted(
    tmp_path: Path, few_samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")
    monkeypatch.setattr(loop, "LOG_EVERY", 2)
    train(few_samples, SMALL, tmp_path, track="tensorboard")
    events = list(tmp_path.rglob("events.out.tfevents.*"))
    assert events
    assert any(b"rate" in file.read_bytes() for file in events)


@pytest.mark.usefixtures("tiny_network")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_curves_are_kept_by_mlflow_beside_the_run_when_wanted(
    tmp_path: Path, few_samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setattr(loop, "LOG_EVERY", 2)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    train(few_samples, SMALL, tmp_path / "run", track="mlflow")
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'run' / 'mlflow.db'}")
    (experiment,) = [e for e in client.search_experiments() if e.name == "deeppcos"]
    (kept,) = client.search_runs([experiment.experiment_id])
    assert kept.data.params["network"] == SMALL.network
    logged = [point.step for point in client.get_metric_history(kept.info.run_id, "loss")]
    assert logged == list(range(2, SMALL.steps + 1, 2))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.usefixtures("tiny_network")
def test_a_tracker_that_is_not_installed_is_named(
    tmp_path: Path, few_samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="mlflow"):
        train(few_samples, SMALL, tmp_path, track="mlflow")
