"""Where a run computes: one processor or many, through Hugging Face accelerate.

The processes come from ``torchrun`` (one machine or several), the device, the gradients' averaging
and mixed precision from accelerate; see decision 0010. Owns how they are asked for.
"""

import importlib.util
import os
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object

from deeppcos.errors import ContractBroken, InvalidInput
from deeppcos.learning.train.config import TrainConfig

TRACKERS = ("none", "tensorboard", "mlflow")
MLFLOW_FILE = "mlflow.db"


def open_engine(config: TrainConfig, out: Path, *, track: str = "none") -> Accelerator:
    """The engine of a run.

    Args:
        config: The run's configuration.
        out: Folder of the run; trackers write below it.
        track: ``none``, ``tensorboard`` or ``mlflow``.

    Returns:
        The engine.

    Raises:
        ContractBroken: If processes were started that did not join.
        InvalidInput: If the batch cannot be shared, or the tracker is unknown.
        ModuleNotFoundError: If the tracker is not installed.
    """
    if track not in TRACKERS:
        raise InvalidInput("unknown tracker", value=track, accepted=", ".join(TRACKERS))
    if track != "none" and importlib.util.find_spec(track) is None:
        raise ModuleNotFoundError(f"No module named {track!r}", name=track)
    engine = Accelerator(
        # Not told so, accelerate leaves processes without an accelerator strangers to each other.
        cpu=not torch.accelerator.is_available(),
        mixed_precision=precision_of(config.precision),
        log_with=None if track == "none" else track,
        project_dir=out,
    )
    launched = int(os.environ.get("WORLD_SIZE", "1"))
    if launched != engine.num_processes:
        raise ContractBroken(
            "the processes of this run do not know each other",
            value=f"{launched} started, {engine.num_processes} joined",
            accepted="all of them",
            remedy="start them with torchrun; each alone would overwrite the others' checkpoints",
        )
    if config.batch % engine.num_processes:
        raise InvalidInput(
            "the batch cannot be shared evenly",
            value=f"{config.batch} views among {engine.num_processes} processes",
            accepted="a multiple of the number of processes",
        )
    if track != "none":
        fields = {k: "none" if v is None else v for k, v in asdict(config).items()}
        if track == "mlflow":
            _keep_mlflow_beside_the_run(out)
        engine.init_trackers("deeppcos", config=fields)
    return engine


def refuse_different_steps(step: int, out: Path) -> None:
    """Refuse to go on when the processes of a run stand at different steps.

    A machine that does not see the run's folder finds no checkpoint and would begin anew beside
    the others.

    Args:
        step: Step this process would go on from.
        out: Folder of the run, as this process sees it.

    Raises:
        ContractBroken: If another process would go on from another step.
    """
    steps = gather_object([step])
    if len(set(steps)) > 1:
        raise ContractBroken(
            f"the processes of this run would go on from different steps ({out})",
            value=", ".join(str(one) for one in steps),
            accepted="one checkpoint that every machine sees",
            remedy="give --out on a folder that all machines share, or copy it to each of them",
        )


def _keep_mlflow_beside_the_run(out: Path) -> None:
    """In one file of the run's folder, unless the environment names a server."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        import_module("mlflow").set_tracking_uri(f"sqlite:///{(out / MLFLOW_FILE).resolve()}")


def precision_of(wanted: str) -> str:
    """What ``auto`` means here: 16 bits where the device computes in them, else 32.

    Args:
        wanted: One of ``PRECISIONS``.

    Returns:
        ``bf16``, ``fp16`` or ``no``.
    """
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "no" if torch.backends.mps.is_available() else "bf16"
