"""From a run to a release: measured on held-out groups, the manifest last."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from deeppcos.errors import ContractBroken, InvalidInput  # noqa: E402
from deeppcos.learning import operating_points, publish  # noqa: E402
from deeppcos.learning.evaluate.probabilities import half_of  # noqa: E402
from deeppcos.learning.model_card import model_card  # noqa: E402
from deeppcos.learning.networks import NETWORKS  # noqa: E402
from deeppcos.learning.publish import export_run, make_release  # noqa: E402
from deeppcos.learning.samples import FollicleMark, Sample  # noqa: E402
from deeppcos.learning.train import Split, TrainConfig  # noqa: E402
from deeppcos.vision.release import MANIFEST_FILE, load_release  # noqa: E402


def test_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no finished run"):
        export_run(tmp_path, tmp_path / "x.onnx")


def test_a_folder_that_holds_a_release_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / MANIFEST_FILE).write_text("{}", encoding="utf-8")
    with pytest.raises(InvalidInput, match="already holds"):
        make_release(tmp_path, Split(training=(), held_out=()), tmp_path, name="x")


def sample(number: int, *, kind: str = "ovary") -> Sample:
    rng = np.random.default_rng(number)
    grey = rng.integers(40, 160, (160, 200)).astype(np.uint8)
    outlined = np.zeros(grey.shape, bool)
    outlined[40:120, 50:150] = True
    nothing = np.zeros_like(outlined)
    polygon = np.array([[80, 60], [110, 60], [110, 90], [80, 90]], np.float32)
    marks = (FollicleMark(polygon=polygon, is_sure=True),)
    return Sample(
        name=f"mmotu/{kind}{number}",
        source="mmotu",
        group=f"mmotu/{kind}{number}",
        kind=kind,
        grey=grey,
        raw_grey=grey,
        ovary=outlined if kind == "ovary" else nothing,
        lesion=outlined if kind == "lesion" else nothing,
        readings={"r1": marks, "r2": marks} if kind == "ovary" else {},
        subgroup="x",
    )


def finished_run(folder: Path) -> Path:
    folder.mkdir()
    torch.manual_seed(1)
    torch.save(NETWORKS["plain_unet"]().state_dict(), folder / "final.pt")
    config = TrainConfig(network="plain_unet", steps=4, synthetic=0)
    (folder / "config.json").write_text(json.dumps(asdict(config)), encoding="utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_release_is_whole_only_once_its_manifest_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "NOISE_PICTURES", 2)
    monkeypatch.setattr(operating_points, "MARGINS", (0.25,))
    monkeypatch.setattr(operating_points, "FINER_SQUARES", 0)
    monkeypatch.setattr(operating_points, "LEAST_SCORES", (0.5,))
    run, out = finished_run(tmp_path / "run"), tmp_path / "release"
    held_out = (*(sample(n) for n in range(4)), sample(7, kind="lesion"))
    assert {half_of(s.group) for s in held_out[:4]} == {0, 1}
    split = Split(training=(sample(20), sample(21, kind="lesion")), held_out=held_out)
    measure = publish._metrics

    def killed(*args: object) -> dict[str, object]:
        raise KeyboardInterrupt

    monkeypatch.setattr(publish, "_metrics", killed)
    with pytest.raises(KeyboardInterrupt):
        make_release(run, split, out, name="tiny")
    assert not (out / MANIFEST_FILE).exists()
    with pytest.raises(ContractBroken):
        load_release(out)

    monkeypatch.setattr(publish, "_metrics", measure)
    manifest = make_release(run, split, out, name="tiny", baseline=run)
    release = load_release(out, threads=1)
    assert release.manifest == manifest
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["release", "run"]
    assert manifest.training["held_out"] == {"mmotu: lesion": 1, "mmotu: ovary": 4}
    assert manifest.training["held_out_groups"] == 5
    assert manifest.metrics["release"]["mmotu ovary Dice mean"]["n"] == 4
    readers = manifest.metrics["second reader against first, all pictures read twice"]
    assert readers["follicle F1 at IoU 0.5"]["value"] == 1.0
    assert manifest.metrics["accepted as an ovary"]["ovary"]["n"] == 4
    again = publish.measured_again(release, split)
    shipped = manifest.metrics["release at the shipped operating point"]
    assert again["release"] == shipped
    assert again == {name: manifest.metrics[name] for name in again}
    assert "tiny" in model_card(manifest)
    json.loads((out / MANIFEST_FILE).read_text(encoding="utf-8"), parse_constant=pytest.fail)
