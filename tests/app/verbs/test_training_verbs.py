"""The verbs of training say what is wrong in one line, before any data is read."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("accelerate")

from deeppcos.app.cli import app
from deeppcos.app.verbs.evaluate import _write_card
from deeppcos.vision.release import SHIPPED, read_manifest


def said(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.stderr


def test_tuning_on_the_held_out_fold_is_refused_with_the_reason(tmp_path: Path) -> None:
    status, words = said(
        "train", "--data", str(tmp_path), "--out", str(tmp_path / "run"), "--validation-fold", "1"
    )
    assert status == 2
    assert "fold 1 is the held-out fold" in words
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("task", ["seeing", "classify"])
def test_a_folder_without_a_data_set_is_named(task: str, tmp_path: Path) -> None:
    status, words = said("train", task, "--data", str(tmp_path), "--out", str(tmp_path / "run"))
    assert status == 2
    assert str(tmp_path) in words


def test_classifying_folders_asks_for_the_split_of_their_audit(tmp_path: Path) -> None:
    status, words = said(
        "train", "classify", "--data", str(tmp_path), "--out", str(tmp_path / "run"),
        "--split", str(tmp_path / "none.csv"),
    )  # fmt: skip
    assert status == 2
    assert "deeppcos audit" in words


def test_the_shipped_release_has_a_card(tmp_path: Path) -> None:
    manifest = read_manifest(SHIPPED)
    _write_card(manifest, tmp_path / "card.md")
    card = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert card.startswith(f"# Model card: {manifest.name}")
    for line in card.splitlines():
        if line.startswith("!["):
            assert (tmp_path / line.rpartition("(")[2].rstrip(")")).is_file()
