"""Real processes: a run that is killed, and one that is shared by two, on one machine or two."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")

PATIENCE_S = 250
PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from deeppcos.learning.networks import NETWORKS
from deeppcos.learning.samples import FollicleMark, Sample
from deeppcos.learning.train import TrainConfig, split_samples, train


class Tiny(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.look = torch.nn.Conv2d(1, 4, 3, stride=8, padding=1)
        self.maps = torch.nn.Conv2d(4, 4, 1)
        self.answers = torch.nn.Linear(4, 2)

    def forward(self, x):
        seen = torch.relu(self.look(x))
        maps = torch.nn.functional.interpolate(self.maps(seen), scale_factor=8.0)
        return maps, self.answers(seen.mean((2, 3)))


def sample(number, kind):
    grey = np.random.default_rng(number).integers(40, 160, (160, 200)).astype(np.uint8)
    outlined = np.zeros(grey.shape, bool)
    outlined[40:120, 50:150] = True
    corners = np.array([[80, 60], [110, 60], [110, 90], [80, 90]], np.float32)
    marks = (FollicleMark(polygon=corners, is_sure=True),)
    is_ovary = kind == "ovary"
    return Sample(
        name=f"{kind}{number}", source="mmotu", group=f"{kind}{number}", kind=kind, grey=grey,
        raw_grey=grey, ovary=outlined & is_ovary, lesion=outlined & (not is_ovary),
        readings={"r1": marks} if is_ovary else {}, subgroup="x",
    )


NETWORKS["tiny"] = Tiny
samples = [sample(n, kind) for n in range(8) for kind in ("ovary", "lesion")]
config = TrainConfig(network="tiny", steps=int(sys.argv[2]), batch=4, synthetic=0, threads=1,
                     checkpoint_every=2, precision="no")
train(split_samples(samples).training, config, Path(sys.argv[1]))
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM, encoding="utf-8")
    return file


def quiet() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}


@pytest.mark.slow
@pytest.mark.timeout(800)
def test_a_run_killed_without_warning_goes_on_to_the_same_weights(
    program: Path, tmp_path: Path
) -> None:
    steps = "60"
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    run = subprocess.Popen([sys.executable, program, broken, steps], env=quiet())
    until = time.monotonic() + PATIENCE_S
    while not (broken / "checkpoint.pt").is_file() and time.monotonic() < until:
        time.sleep(0.05)
    run.send_signal(signal.SIGKILL)
    assert run.wait(PATIENCE_S) == -signal.SIGKILL
    step = torch.load(broken / "checkpoint.pt", weights_only=True)["step"]
    assert 2 <= step < int(steps), "the run was over before it could be killed"
    assert not (broken / "final.pt").exists()
    for folder in (broken, unbroken):
        subprocess.run(
            [sys.executable, program, folder, steps], env=quiet(), check=True, timeout=PATIENCE_S
        )
    one, other = (torch.load(f / "final.pt", weights_only=True) for f in (broken, unbroken))
    assert all(torch.equal(one[name], other[name]) for name in one)
    rows = [
        json.loads(line) for line in (broken / "log.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [row["step"] for row in rows] == list(range(20, int(steps) + 1, 20))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def launch(program: Path, outs: list[Path], *, nodes: int) -> list[str]:
    """Start two processes through torchrun, as many launchers as nodes; their errors."""
    torchrun = [
        sys.executable, "-m", "torch.distributed.run", f"--nnodes={nodes}",
        f"--nproc-per-node={2 // nodes}", "--rdzv-backend=c10d", "--rdzv-id=seeing",
        f"--rdzv-endpoint=127.0.0.1:{free_port()}", "--local-addr=127.0.0.1",
    ]  # fmt: skip
    started = [
        subprocess.Popen(
            [*torchrun, program, out, "6"], env=quiet(), stderr=subprocess.PIPE, text=True
        )
        for out in outs
    ]
    try:
        said = [one.communicate(timeout=PATIENCE_S)[1] for one in started]
    finally:
        for one in started:
            one.kill()
    return ["" if one.returncode == 0 else words for one, words in zip(started, said, strict=True)]


@pytest.mark.slow
@pytest.mark.timeout(800)
@pytest.mark.parametrize("nodes", [1, 2])
def test_two_processes_share_a_batch_and_end_with_the_weights_of_one(
    nodes: int, program: Path, tmp_path: Path
) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    subprocess.run(
        [sys.executable, program, alone, "6"], env=quiet(), check=True, timeout=PATIENCE_S
    )
    assert launch(program, [together] * nodes, nodes=nodes) == [""] * nodes
    one, other = (torch.load(f / "final.pt", weights_only=True) for f in (alone, together))
    moved = torch.load(together / "checkpoint.pt", weights_only=True)
    assert moved["step"] == 6
    # The loss weighs within each process's share, so the two are near, not equal.
    for name in one:
        assert torch.allclose(one[name], other[name], atol=0.02), name


@pytest.mark.slow
@pytest.mark.timeout(800)
def test_a_machine_that_does_not_see_the_checkpoint_is_refused(
    program: Path, tmp_path: Path
) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    subprocess.run(
        [sys.executable, program, here, "6"], env=quiet(), check=True, timeout=PATIENCE_S
    )
    said = launch(program, [here, elsewhere], nodes=2)
    assert all("would go on from different steps" in words for words in said)
    assert not (elsewhere / "final.pt").exists()
