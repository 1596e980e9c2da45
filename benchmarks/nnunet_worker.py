"""nnU-Net's own planning, training and prediction, run under the peers' interpreter.

    PYTHON benchmarks/nnunet_worker.py train PEER 75 --threads 1
    PYTHON benchmarks/nnunet_worker.py predict PEER --threads 1

Started by ``benchmarks.nnunet_accuracy`` on the folder it prepared. Plan, augmentation, loss and
optimiser are nnU-Net's, but for what a processor needs: half the width and a batch of 6, so that
enough pictures are seen in the time; bfloat16 in the forward pass; a learning rate that falls with
the processor minutes used instead of with epochs. Parts come through ``import_module``: nothing
here is installed where types are checked.
"""

import argparse
import json
import os
import time
from importlib import import_module
from pathlib import Path
from typing import Any

DATASET = "Dataset301_Ovary"
FEATURES = 16
BATCH = 6
STEPS_AN_EPOCH = 10
CHECKPOINT_EVERY_S = 120.0
PLANS = "halfwidth"


def planned(out: Path) -> dict[str, Any]:
    """The plan, made and the pictures preprocessed once."""
    folder = out / "preprocessed" / DATASET
    plans_file = folder / f"{PLANS}.json"
    if not (folder / "preprocessed").is_file():
        number = int(DATASET[7:10])
        setting("n_proc_DA", 1)  # its planner takes this for a number of threads
        api = import_module("nnunetv2.experiment_planning.plan_and_preprocess_api")
        api.extract_fingerprints([number], num_processes=1)
        module = import_module(
            "nnunetv2.experiment_planning.experiment_planners.default_experiment_planner"
        )
        planner = module.ExperimentPlanner(number, plans_name=PLANS)
        planner.UNet_base_num_features = FEATURES
        planner.plan_experiment()
        made_plans = json.loads(plans_file.read_text(encoding="utf-8"))
        made_plans["configurations"]["2d"]["batch_size"] = BATCH
        plans_file.write_text(json.dumps(made_plans, indent=1), encoding="utf-8")
        api.preprocess([number], plans_identifier=PLANS, configurations=["2d"], num_processes=[1])
        setting("n_proc_DA", 0)
        (folder / "preprocessed").touch()
    plans: dict[str, Any] = json.loads(plans_file.read_text(encoding="utf-8"))
    return plans


def setting(name: str, value: object) -> None:
    """One of nnU-Net's settings, which it reads from the environment."""
    os.environ[f"nnUNet_{name}"] = str(value)


class ByTheClock:
    """What is laid over nnU-Net's trainer: it stops when its processor minutes are used.

    Set by the maker before training: ``minutes`` and ``record``, the file of the budget used.
    """

    minutes: float
    record: Path

    def __init__(
        self, plans: Any, configuration: Any, fold: Any, dataset_json: Any, device: Any
    ) -> None:  # nnU-Net looks these names up
        super().__init__(plans, configuration, fold, dataset_json, device)  # type: ignore[call-arg]  # the trainer
        self.trainer.num_iterations_per_epoch = STEPS_AN_EPOCH
        self.trainer.num_epochs = 10**6
        self.trainer.logger.plot_progress_png = lambda *_: None
        self.used = {"wall_s": 0.0, "cpu_s": 0.0, "pictures": 0, "starts": 0}
        self.began = time.perf_counter(), time.process_time()

    @property
    def trainer(self) -> Any:
        """Itself, as nnU-Net's trainer."""
        return self

    def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """nnU-Net's step, its forward pass in bfloat16, its rate by the share used."""
        torch, mine = import_module("torch"), self.trainer
        for group in mine.optimizer.param_groups:
            group["lr"] = mine.initial_lr * max(0.0, 1 - self.share_used()) ** 0.9
        mine.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16):
            output = mine.network(batch["data"])
        loss = mine.loss([one.float() for one in output], batch["target"])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(mine.network.parameters(), 12)
        mine.optimizer.step()
        self.used["pictures"] += len(batch["data"])
        return {"loss": loss.detach().numpy()}

    def share_used(self) -> float:
        """Share of the processor minutes that is gone."""
        return (self.used["cpu_s"] + time.process_time() - self.began[1]) / (60 * self.minutes)

    def run_training(self) -> None:
        """nnU-Net's loop, ended by the clock, with a checkpoint every other minute."""
        if self.record.is_file():
            self.used.update(json.loads(self.record.read_text(encoding="utf-8"))["used"])
        self.began = time.perf_counter(), time.process_time()
        self.trainer.on_train_start()
        self.used["starts"] += 1
        saved = time.perf_counter()
        while self.share_used() < 1:
            self.one_epoch()
            if time.perf_counter() - saved > CHECKPOINT_EVERY_S or self.share_used() >= 1:
                self.keep()
                saved = time.perf_counter()

    def one_epoch(self) -> None:
        """A few steps and one look at validation patches, which here are training ones."""
        mine = self.trainer
        mine.on_epoch_start()
        mine.on_train_epoch_start()
        steps = [self.train_step(next(mine.dataloader_train)) for _ in range(STEPS_AN_EPOCH)]
        mine.on_train_epoch_end(steps)
        with import_module("torch").no_grad():
            mine.on_validation_epoch_start()
            mine.on_validation_epoch_end([mine.validation_step(next(mine.dataloader_val))])
        mine._best_ema = 2.0  # the last weights count, not the best: no checkpoint for those
        mine.on_epoch_end()

    def keep(self) -> None:
        """Checkpoint and budget, each written whole or not at all."""
        mine = self.trainer
        latest = Path(mine.output_folder) / "checkpoint_latest.pth"
        mine.current_epoch -= 1  # nnU-Net saves before it counts the epoch
        mine.save_checkpoint(str(latest.with_suffix(".new")))
        mine.current_epoch += 1
        latest.with_suffix(".new").replace(latest)
        now = time.perf_counter(), time.process_time()
        self.used["wall_s"] += now[0] - self.began[0]
        self.used["cpu_s"] += now[1] - self.began[1]
        self.began = now
        plan = mine.configuration_manager
        losses = mine.logger.get_checkpoint().get("train_losses", [])
        written = {
            "used": self.used,
            "asked_minutes": self.minutes,
            "share_of_schedule": self.share_used(),
            "patch_px": list(plan.patch_size),
            "batch": BATCH,
            "parameters": sum(p.numel() for p in mine.network.parameters()),
            "features": list(plan.network_arch_init_kwargs["features_per_stage"]),
            "losses": [round(float(v), 3) for v in losses],
        }
        fresh = self.record.with_suffix(".new")
        fresh.write_text(json.dumps(written, indent=1), encoding="utf-8")
        fresh.replace(self.record)


def made(out: Path, minutes: float) -> Any:
    """A trainer at its last checkpoint, or fresh."""
    plans = planned(out)
    base = import_module("nnunetv2.training.nnUNetTrainer.nnUNetTrainer").nnUNetTrainer
    ours = type("MinutesTrainer", (ByTheClock, base), {})
    stated = (out / "preprocessed" / DATASET / "dataset.json").read_text(encoding="utf-8")
    results = out / "results" / DATASET / f"MinutesTrainer__{PLANS}__2d" / "fold_all"
    latest = results / "checkpoint_latest.pth"
    trainer = ours(
        {**plans, "continue_training": latest.is_file()},
        "2d",
        "all",
        json.loads(stated),
        import_module("torch").device("cpu"),
    )
    trainer.minutes, trainer.record = minutes, out / "trained.json"
    trainer.num_val_iterations_per_epoch = 1
    trainer.initialize()
    if latest.is_file():
        trainer.load_checkpoint(str(latest))
    return trainer


def predict(out: Path) -> None:
    """Label maps of the held-out pictures, mirroring as by default; how long a picture takes."""
    # Read with the checkpoint: training may go on meanwhile.
    trained = json.loads((out / "trained.json").read_text(encoding="utf-8"))
    trainer = made(out, 1.0)
    trainer.set_deep_supervision_enabled(False)
    trainer.network.eval()
    predictor = import_module("nnunetv2.inference.predict_from_raw_data").nnUNetPredictor(
        use_mirroring=True,
        perform_everything_on_device=False,
        device=import_module("torch").device("cpu"),
        allow_tqdm=False,
    )
    predictor.manual_initialization(
        trainer.network,
        trainer.plans_manager,
        trainer.configuration_manager,
        [trainer.network.state_dict()],
        trainer.dataset_json,
        "MinutesTrainer",
        (0, 1),
    )
    (out / "predicted").mkdir(exist_ok=True)
    pictures = sorted((out / "raw" / DATASET / "imagesTs").glob("*.png"))
    began = time.process_time()
    for picture in pictures:
        target = str(out / "predicted" / picture.name.removesuffix("_0000.png"))
        predictor.predict_from_files_sequential([[str(picture)]], [target], overwrite=True)
    taken = (time.process_time() - began) / len(pictures)
    said = {"pictures": len(pictures), "cpu_s_a_picture": round(taken, 3), "mirrored": True}
    (out / "predicted.json").write_text(
        json.dumps({"trained": trained, "predicted": said}), encoding="utf-8"
    )


def main() -> None:
    """Train or predict."""
    options = argparse.ArgumentParser()
    options.add_argument("step", choices=("train", "predict"))
    options.add_argument("out", type=Path)
    options.add_argument("minutes", type=float, nargs="?", default=1.0)
    options.add_argument("--threads", type=int, default=1)
    asked = options.parse_args()
    for part in ("raw", "preprocessed", "results"):
        (asked.out / part).mkdir(exist_ok=True)
        setting(part, asked.out / part)
    setting("compile", "f")
    setting("n_proc_DA", 0)  # views are drawn in this process
    import_module("torch").set_num_threads(asked.threads)
    if asked.step == "train":
        made(asked.out, asked.minutes).run_training()
    else:
        predict(asked.out)


if __name__ == "__main__":
    main()
