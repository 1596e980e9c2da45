"""What the benchmarks of speed work out, apart from the times themselves."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _benchmarks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


def test_every_measured_part_has_its_place_on_the_page() -> None:
    from benchmarks.speed import PAGE, SECTIONS, replaced

    page = PAGE.read_text(encoding="utf-8")
    for name in SECTIONS:
        assert replaced(page, name, "figures").count("figures") > page.count("figures") - 1


def test_the_aims_told_are_those_of_the_shipped_release() -> None:
    pytest.importorskip("torch", reason="the card is written by the train extra")
    from benchmarks.aims import PAGE, section
    from benchmarks.speed import replaced

    from deeppcos.vision.release import SHIPPED, read_manifest

    page = PAGE.read_text(encoding="utf-8")
    fresh = replaced(page, "aims", section(read_manifest(SHIPPED)))
    assert page == fresh, "run python -m benchmarks.aims"


def test_only_the_measured_part_of_a_page_changes() -> None:
    from benchmarks.speed import replaced

    page = "before <!-- a -->old<!-- end a --> between <!-- b -->kept<!-- end b -->"
    fresh = replaced(page, "a", "new")
    assert "old" not in fresh
    assert fresh.startswith("before ")
    assert fresh.endswith("<!-- b -->kept<!-- end b -->")
    assert replaced(fresh, "a", "new") == fresh


def test_a_page_without_its_markers_is_refused() -> None:
    from benchmarks.speed import replaced

    with pytest.raises(ValueError, match="end peers"):
        replaced("<!-- peers --> and no end", "peers", "new")


def test_the_start_is_counted_once_however_many_stills_there_are() -> None:
    from benchmarks.archive import Kernel, figures_of

    kernel = Kernel(cpu_s=0.1, wall_s=0.2, network_cpu_s=0.08, network_pictures=4.0)
    small = {"wall_s": 9.0, "cpu_s": 5.2, "peak_mib": 300.0}
    run = {"wall_s": 100.0, "cpu_s": 25.0, "peak_mib": 300.0}
    figures = figures_of(kernel, run, small, images=200, workers=2, wanted=10_000)
    assert figures["each_s"] == pytest.approx(0.1)
    assert figures["start_s"] == pytest.approx(5.0)
    assert figures["of_limit"] == pytest.approx(20 / 25)
    assert figures["of_limit_wanted"] == pytest.approx(1000 / 1005)
    assert figures["cores_given"] == pytest.approx(0.25)


def test_operations_are_counted_as_two_for_each_weight_and_place() -> None:
    onnx = pytest.importorskip("onnx", reason="counting operations needs the train extra")
    import numpy as np
    from benchmarks.roofline import operations_by_kind

    def weight(name: str, *shape: int) -> object:
        return onnx.numpy_helper.from_array(np.zeros(shape, np.float32), name)

    def value(name: str, *shape: int | str) -> object:
        return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    conv = onnx.helper.make_node
    graph = onnx.helper.make_graph(
        [
            conv("Conv", ["pictures", "dense"], ["a"], pads=[1] * 4, strides=[2, 2]),
            conv("Conv", ["a", "depthwise"], ["b"], pads=[1] * 4, group=8),
            conv("Conv", ["b", "pointwise"], ["c"]),
        ],
        "three",
        [value("pictures", "n", 1, 256, 256)],
        [value("c", "n", 4, 128, 128)],
        [
            weight("dense", 8, 1, 3, 3),
            weight("depthwise", 8, 1, 3, 3),
            weight("pointwise", 4, 8, 1, 1),
        ],
    )
    opset = onnx.helper.make_opsetid("", 17)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
    places = 128 * 128
    # One channel in: the first layer reads one channel a group as well.
    assert operations_by_kind(model) == {
        "depthwise": 2 * (8 * 9 * places) * 2,
        "pointwise": 2 * 4 * 8 * places,
    }


def test_import_costs_name_the_packages_that_were_loaded() -> None:
    from benchmarks.start_to_result import import_costs

    listing = "import time:       346 |      48838 |       numpy.core\n"
    listing += "import time:       100 |     250000 | numpy\n"
    assert import_costs(listing) == {"numpy": 0.25}


def test_a_segmenter_that_cannot_start_says_why(tmp_path: Path) -> None:
    from benchmarks.peers import started

    picture = tmp_path / "still.png"
    ready, reasons = started({"nnunet": (Path(sys.executable), picture)}, threads=1)
    assert ready == {}
    assert "still.png" in reasons["nnunet"] or "No module named" in reasons["nnunet"]


def test_a_process_is_charged_for_its_own_time_and_a_failing_one_is_told() -> None:
    import subprocess

    from benchmarks.measuring import run_process

    work = "sum(i * i for i in range(2_000_000))"
    taken = run_process([sys.executable, "-c", work])
    assert 0.02 < taken.cpu_s <= 2 * taken.wall_s
    assert taken.peak_mib > 3
    with pytest.raises(subprocess.CalledProcessError):
        run_process([sys.executable, "-c", "raise SystemExit(3)"])
