"""A candidate trained at a desk, its worker killed in the middle, up to the answer of the gate."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.app.web.learning.phantom_desk import STEPS, TAUGHT, TESTED
from tests.app.web.test_worker_killed import a_worker, asked, environment
from typer.testing import CliRunner, Result

from deeppcos.app.cli import app
from deeppcos.learning.gate.plan import default_plan
from deeppcos.learning.site.start import CHECKPOINT_EVERY

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
pytest.importorskip("onnx")

ROOT = Path(__file__).parents[4]
PATIENCE_SECONDS = 900.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A desk where a candidate was asked for."""
    place = tmp_path / "desk"
    subprocess.run(
        [sys.executable, "-m", "tests.app.web.learning.phantom_desk"],
        env=environment(place),
        cwd=ROOT,
        check=True,
    )
    return place


def waited_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.3)


def test_a_candidate_survives_its_workers_death_and_comes_before_the_gate(home: Path) -> None:
    run = home / "training" / "site-1" / "run"

    def job() -> tuple[object, ...]:
        [row] = asked(home, "select state, attempts, done, problem from web_job")
        assert row[0] != "failed", row
        return row

    def step_of_checkpoint() -> int:
        return int(torch.load(run / "checkpoint.pt", weights_only=True)["step"])

    with a_worker(home) as first:
        waited_until(lambda: int(str(job()[2])) >= CHECKPOINT_EVERY)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    assert job()[0] == "running"
    kept = step_of_checkpoint()
    assert CHECKPOINT_EVERY <= kept < STEPS
    with a_worker(home):
        waited_until(lambda: job()[0] == "done")
    assert job()[1] == 2
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "loss" in row] == [STEPS]
    assert [row["step"] for row in rows if "validation_loss" in row] == [STEPS]

    candidate = home / "training" / "site-1" / "candidate"
    manifest = json.loads((candidate / "manifest.json").read_text())
    assert manifest["training"]["begun_from"]["name"] == "seeing-2.2"
    told = manifest["training"]["training_set"]
    assert (told["patients"], told["pictures"]) == (TAUGHT, TAUGHT)
    assert told["left_out"] == {
        "patients of the frozen test set": TESTED,
        "studies: consent to learning was never asked": 1,
    }
    done = [row[0] for row in asked(home, "select action from web_auditevent order by number")]
    assert done[-1] == "training.finished"
    assert {"training.asked", "learning.exported", "job.asked"} <= set(done)

    plan = default_plan(written_by=("a",), written_on="2026-01-05").model_copy(
        update={"most_seconds_ratio": 1000.0, "bootstrap_rounds": 200}
    )
    (home / "plan.json").write_text(plan.model_dump_json(by_alias=True))
    labels = home / "training" / str(told["name"]) / "labels"

    def spoke(*words: object) -> Result:
        return CliRunner().invoke(app, [*map(str, words), "--home", str(home)])

    spoken = spoke(
        *("learn", "gate", candidate, "--data", labels, "--test-data", home / "test-labels"),
        *("--plan", home / "plan.json", "--frozen", home / "learning" / "frozen.json"),
    )
    assert spoken.exit_code in (0, 1), spoken.output
    report = json.loads((candidate / "gate.json").read_text())
    answers = {q["question"]: q["is_passed"] for q in report["questions"]}
    assert answers["no copy of a test picture in training"]
    assert answers["learned from the stated data without the test patients"]
    assert spoke("learn", "add", candidate, "--by", "Terry Trainer").exit_code == 0
    agreed = spoke("learn", "approve", "site-1", "--by", "Dr A")
    if not report["is_passed"]:
        assert "the gate refused site-1" in agreed.output
        return
    assert spoke("learn", "approve", "site-1", "--by", "Dr C").exit_code == 0
    assert spoke("learn", "promote", "site-1", "--by", "Dr A").exit_code == 0
    assert "served: site-1" in spoke("learn", "status").output
