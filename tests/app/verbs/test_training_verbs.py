"""The verbs of training say what is wrong in one line, before any data is read."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("accelerate")

from deeppcos.app.cli import app
from deeppcos.app.verbs.evaluate import _write_card
from deeppcos.learning.samples import Sample
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


def test_the_card_in_the_documents_is_that_of_the_shipped_release(tmp_path: Path) -> None:
    documents = Path(__file__).resolve().parents[3] / "docs"
    _write_card(read_manifest(SHIPPED), tmp_path / "model-card.md")
    for file in ("model-card.md", "pictures/model-card/coverage.svg"):
        kept, fresh = ((folder / file).read_text("utf-8") for folder in (documents, tmp_path))
        assert kept == fresh, "run deeppcos evaluate --data FOLDER --card docs/model-card.md"


def mmotu(folder: Path, rows: list[tuple[str, str]]) -> Path:
    """A set in the MMOTU layout: id and class of each picture."""
    for place in ("images", "masks"):
        (folder / place).mkdir(parents=True)
    lines = ["id,class,group,duplicate_cluster"]
    for number, (name, kind) in enumerate(rows):
        rng = np.random.default_rng(number)
        assert cv2.imwrite(
            str(folder / "images" / f"{name}.png"), rng.integers(0, 99, (40, 50), np.uint8)
        )
        mask = np.zeros((40, 50), np.uint8)
        mask[10:30, 10:40] = 255
        assert cv2.imwrite(str(folder / "masks" / f"{name}.png"), mask)
        lines.append(f"{name},{kind},s{number},d{number}")
    (folder / "index.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def learned_from(monkeypatch: pytest.MonkeyPatch) -> list[Sample]:
    """What a run of ``train`` would learn from, without its phantoms and its steps."""
    caught: list[Sample] = []

    def caught_instead(samples: tuple[Sample, ...], *_: object, **__: object) -> Path:
        caught.extend(samples)
        return Path("final.pt")

    monkeypatch.setattr("deeppcos.learning.train.train", caught_instead)
    monkeypatch.setattr("deeppcos.learning.pool.photograph_folders", list)
    monkeypatch.setattr("deeppcos.learning.pool.draw_synthetic", lambda **_: [])
    return caught


def test_mislabelled_and_unreadable_training_files_are_listed_counted_and_left_out(
    tmp_path: Path, learned_from: list[Sample]
) -> None:
    good = [(f"{n}", "Ovary_Normal") for n in range(8)]
    folder = mmotu(tmp_path / "mmotu", [*good, ("wrong", "Ovary_Nromal"), ("torn", "Teratoma")])
    (folder / "images" / "torn.png").write_text("no picture")
    status, words = said("train", "--data", str(folder), "--out", str(tmp_path / "run"))
    assert status == 0
    assert "mmotu: 8 pictures of 8 groups (8 ovary), 2 passed over" in words
    assert "mmotu/wrong: MMOTU wrong: unknown class; got Ovary_Nromal" in words
    assert "mmotu/torn: " in words
    assert learned_from
    assert {s.name for s in learned_from} <= {f"mmotu/{n}" for n, _ in good}


def test_several_folders_are_joined_into_one_pool_of_a_named_layout(
    tmp_path: Path, learned_from: list[Sample]
) -> None:
    rows = [(f"{n}", "Ovary_Normal") for n in range(8)]
    one = mmotu(tmp_path / "one", rows)
    two = mmotu(tmp_path / "two", [*rows, ("8", "Teratoma")][1:])
    status, words = said(
        "train", "--data", str(one), "--data", str(two), "--layout", "mmotu",
        "--out", str(tmp_path / "run"),
    )  # fmt: skip
    assert status == 0
    assert "mmotu: 16 pictures" in words
    assert 'given "2:" before their names' in words
    assert any(s.name.startswith("2:mmotu/") for s in learned_from)


def test_an_unknown_layout_is_refused(tmp_path: Path) -> None:
    status, words = said(
        "train", "--data", str(tmp_path), "--layout", "paper", "--out", str(tmp_path / "run")
    )
    assert status == 2
    assert "unknown layout" in words
