"""What survives a kill, a full disk and a change of machine.

Whatever happens, a whole checkpoint stands there. Owns the files of a run other than its
configuration.
"""

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from deeppcos.errors import InvalidInput
from deeppcos.learning.train.stopping import Stopping
from deeppcos.learning.train.whole_files import disk_named, put

CHECKPOINT_FILE = "checkpoint.pt"
BEST_FILE = "best.pt"
FINAL_FILE = "final.pt"
LOG_FILE = "log.jsonl"


class Stopped(Exception):
    """Somebody asked the run to stop: it stands at a whole checkpoint and can go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """Everything that learns.

    Attributes:
        network: The network itself, not its distributed wrapping.
        averaged: Its running average, which is what a release ships.
        optimiser: Holds the momenta.
    """

    network: nn.Module
    averaged: AveragedModel
    optimiser: torch.optim.AdamW


def save(out: Path, learner: Learner, *, step: int, stopping: Stopping) -> None:
    """Write the checkpoint of a step.

    Args:
        out: Folder of the run.
        learner: What learned.
        step: Steps done.
        stopping: Memory of early stopping.

    Raises:
        TemporaryFailure: If the disk takes no more; the last whole checkpoint stays.
    """
    state = {
        "step": step,
        "network": learner.network.state_dict(),
        "averaged": learner.averaged.state_dict(),
        "optimiser": learner.optimiser.state_dict(),
        "stopping": asdict(stopping),
    }
    write_whole(out / CHECKPOINT_FILE, state)


def resume(out: Path, learner: Learner) -> tuple[int, Stopping]:
    """Load the last checkpoint, if there is one.

    Args:
        out: Folder of the run.
        learner: Filled from it.

    Returns:
        The step to go on from, and the memory of early stopping.

    Raises:
        InvalidInput: If the checkpoint is damaged.
    """
    file = out / CHECKPOINT_FILE
    if not file.is_file():
        return 0, Stopping()
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        learner.network.load_state_dict(state["network"])
        learner.averaged.load_state_dict(state["averaged"])
        learner.optimiser.load_state_dict(state["optimiser"])
        return int(state["step"]), Stopping(**state.get("stopping", {}))
    except (RuntimeError, KeyError, TypeError, EOFError, OSError, UnpicklingError) as problem:
        raise InvalidInput(
            f"{file}: damaged checkpoint",
            value=_in_a_line(problem),
            remedy="remove it to begin the run again, or restore it from a copy",
        ) from problem


def fill_from_run(network: nn.Module, weights: Path) -> None:
    """Fill a network with the weights of an earlier run.

    Args:
        network: The network.
        weights: Its file.

    Raises:
        InvalidInput: If it is missing, damaged or of another network.
    """
    try:
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    except (RuntimeError, KeyError, EOFError, OSError, UnpicklingError, TypeError) as problem:
        raise InvalidInput(
            f"{weights}: no weights to go on from",
            value=_in_a_line(problem),
            accepted="final.pt of a run of this network, the folder of a release, or 'shipped'",
        ) from problem


def _in_a_line(problem: Exception) -> str:
    """What went wrong; an empty file says nothing but its kind of error."""
    return (str(problem).splitlines() or [type(problem).__name__])[0][:120]


def write_weights(file: Path, network: nn.Module) -> None:
    """Write the weights of a network, on the CPU, whole or not at all.

    Args:
        file: Where.
        network: The network.
    """
    write_whole(file, {k: v.detach().cpu() for k, v in network.state_dict().items()})


def write_whole(file: Path, state: dict[str, Any]) -> None:
    """Write a file beside the old one, then switch.

    Args:
        file: Where.
        state: Tensors and plain values.

    Raises:
        TemporaryFailure: If the disk takes no more; the old file stays.
    """
    content = io.BytesIO()
    torch.save(state, content)
    put(file, content.getbuffer())


def write_log(out: Path, **row: float | int) -> None:
    """Add one line to the log.

    Args:
        out: Folder of the run.
        **row: Names and numbers.

    Raises:
        TemporaryFailure: If the disk takes no more.
    """
    line = json.dumps(row) + "\n"
    file = out / LOG_FILE
    with disk_named(file, size=len(line)), file.open("a", encoding="utf-8") as lines:
        lines.write(line)


def cut_log(out: Path, *, step: int) -> None:
    """Drop the lines a killed run wrote after its last checkpoint; they will come again.

    Args:
        out: Folder of the run.
        step: Step of the checkpoint.
    """
    file = out / LOG_FILE
    if file.is_file():
        rows = [
            line for line in file.read_text(encoding="utf-8").splitlines() if line.endswith("}")
        ]
        kept = [line for line in rows if json.loads(line)["step"] <= step]
        put(file, "".join(f"{line}\n" for line in kept).encode())
