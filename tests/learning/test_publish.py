"""From a run to a release: measured on held-out groups, the manifest last."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from deeppcos.errors import ContractBroken, InvalidInput  # noqa: E402
from deeppcos.learning import operating_points, publish  # noqa: E402
from deeppcos.learning.evaluate import NOTHING, FollicleComparison, SampleResult  # noqa: E402
from deeppcos.learning.model_card import model_card  # noqa: E402
from deeppcos.learning.networks import NETWORKS  # noqa: E402
from deeppcos.learning.publish import cross_fitted, export_run, make_release, scored  # noqa: E402
from deeppcos.learning.samples import FollicleMark, Sample  # noqa: E402
from deeppcos.learning.train import Split, TrainConfig  # noqa: E402
from deeppcos.vision.looking import Look, SeenLesion, SeenOvary  # noqa: E402
from deeppcos.vision.release import MANIFEST_FILE, load_release  # noqa: E402

CORNERS = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0))
LOOK = Look(
    ovary_answer=0.9,
    lesion_answer=0.2,
    ovaries=(
        SeenOvary(polygon=CORNERS, score=0.8, follicles=()),
        SeenOvary(polygon=CORNERS, score=0.3, follicles=()),
    ),
    lesions=(SeenLesion(polygon=CORNERS, score=0.6),),
)
FOUND = FollicleComparison(
    matched={0.3: 1, 0.5: 1},
    matched_sure={0.3: 1, 0.5: 1},
    counted=2,
    counted_besides_maybe={0.3: 2, 0.5: 2},
    true=1,
    true_sure=1,
    scores=(0.9, 0.5),
    is_right=(True, False),
)
RESULT = SampleResult(
    name="a",
    group="a",
    source="mmotu",
    kind="ovary",
    subgroup="x",
    look=LOOK,
    ovary_dice=0.8,
    lesion_dice=None,
    ovary_overlaps=(0.7, 0.1),
    follicles=FOUND,
)


def test_every_outline_is_right_or_wrong_by_its_overlap() -> None:
    assert scored([RESULT], "ovary") == [(0.8, True), (0.3, False)]
    assert scored([RESULT], "follicle") == [(0.9, True), (0.5, False)]
    assert scored([RESULT], "lesion") == [(0.6, False)]
    lesion = replace(RESULT, lesion_dice=0.6)
    assert scored([lesion], "lesion") == [(0.6, True)]


def test_an_outline_nobody_could_judge_calibrates_nothing() -> None:
    assert scored([replace(RESULT, ovary_overlaps=None)], "ovary") == []


def test_a_picture_nothing_was_seen_in_scores_nothing() -> None:
    blank = replace(RESULT, look=NOTHING, ovary_overlaps=(), follicles=None)
    assert [scored([blank], which) for which in ("ovary", "lesion", "follicle")] == [[], [], []]


def test_no_group_is_measured_by_numbers_it_helped_to_fit() -> None:
    results = [replace(RESULT, group=f"g{n // 2}") for n in range(40)]
    seen: list[str] = []

    def measure(fitting, measured):  # type: ignore[no-untyped-def]
        assert fitting
        assert not {r.group for r in fitting} & {r.group for r in measured}
        seen.extend(r.group for r in measured)
        return [(0.0, 0.0)] * len(measured)

    assert len(cross_fitted(results, measure)) == 40
    assert sorted(seen) == sorted(r.group for r in results)


def test_an_error_over_no_outline_is_unknown() -> None:
    blank = replace(RESULT, look=NOTHING, ovary_overlaps=())
    assert publish._calibration_error([blank], "lesion") == {"value": None, "n": 0}


def test_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no finished run"):
        export_run(tmp_path, tmp_path / "x.onnx")


def test_a_folder_that_holds_a_release_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / MANIFEST_FILE).write_text("{}")
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
    (folder / "config.json").write_text(json.dumps(asdict(config)))
    return folder


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_release_is_whole_only_once_its_manifest_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "NOISE_PICTURES", 2)
    monkeypatch.setattr(operating_points, "MARGINS", (0.25,))
    monkeypatch.setattr(operating_points, "LEAST_SCORES", (0.5,))
    run, out = finished_run(tmp_path / "run"), tmp_path / "release"
    held_out = (*(sample(n) for n in range(4)), sample(7, kind="lesion"))
    assert {operating_points.half_of(s.group) for s in held_out[:4]} == {0, 1}
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
    assert again == manifest.metrics["release at the shipped operating point"]
    assert "tiny" in model_card(manifest)
    json.loads((out / MANIFEST_FILE).read_text(), parse_constant=pytest.fail)
