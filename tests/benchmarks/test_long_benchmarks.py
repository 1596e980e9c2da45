"""Benchmarks that run for long: what they go on with, and what they read out of a label map."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from benchmarks.sweeps_through_the_network import Reading

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _benchmarks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


def test_a_label_map_is_read_as_one_ovary_with_its_follicles_and_one_lesion() -> None:
    pytest.importorskip("torch")
    from benchmarks.nnunet_accuracy import FOLLICLE, LESION, OVARY, seen_in

    label = np.zeros((120, 160), np.uint8)
    label[20:80, 20:90] = OVARY
    label[30:40, 30:40] = FOLLICLE
    label[50:60, 60:72] = FOLLICLE
    label[100:110, 10:20] = FOLLICLE  # beside the ovary
    label[90:115, 100:150] = LESION
    inside, everywhere = seen_in(label, everywhere=False), seen_in(label, everywhere=True)
    assert [len(ovary.follicles) for ovary in inside.ovaries] == [2]
    assert [len(ovary.follicles) for ovary in everywhere.ovaries] == [3]
    assert len(inside.lesions) == 1
    assert seen_in(np.zeros_like(label), everywhere=True).ovaries == ()


def a_reading(**other: Any) -> "Reading":
    from benchmarks.sweeps_through_the_network import Reading

    fields: dict[str, Any] = {
        "ovary": "0-6", "kind": "sweep", "step_mm": 0.5, "noise": "clean", "depth_mm": 60.0,
        "frequency_mhz": 6.0, "gain_db": 0.5, "slice_mm": 1.5, "true_count": 6, "read_count": 5,
        "low": 4, "high": 9, "true_ml": 8.1, "read_ml": -1.0, "true_sizes": "3/3/0/1",
        "read_sizes": "1/4/0/1", "refused_because": "",
    }  # fmt: skip
    return Reading(**{**fields, **other})


def test_a_stopped_grid_of_sweeps_goes_on_and_another_run_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from benchmarks.sweeps_through_the_network import read_before, write

    one = a_reading()
    started: dict[str, object] = {"seed": 900, "weights": "w"}
    assert read_before(tmp_path, started) == []
    write(tmp_path, [one])
    assert read_before(tmp_path, started) == [one]
    with pytest.raises(SystemExit, match="another seed or release"):
        read_before(tmp_path, {"seed": 901, "weights": "w"})


def test_follicles_found_are_told_by_size_and_what_is_refused_by_its_reason() -> None:
    pytest.importorskip("torch")
    from benchmarks.sweeps_through_the_network import found_line, outcomes, tables

    fast = "too fast: about 2.0 mm from frame to frame"
    both = f"{fast}; too noisy: 0.6 outlines a frame come and go"
    read = [
        a_reading(),
        a_reading(ovary="1-6", read_count=1),
        a_reading(ovary="2-6", step_mm=2.0, refused_because=fast),
        a_reading(ovary="3-6", step_mm=2.0, refused_because=both),
    ]
    assert found_line("small", read[:2], 0) == "| small | 2 | 6 | 2 | 0.33 | 0.33 to 0.33 |"
    assert found_line("all", read[:2]).startswith("| all | 2 | 12 | 6 | 0.50 |")
    came = outcomes(read)
    assert came["sweeps, about 0.5 mm a frame, clean"] == ["near", "far"]
    assert came["sweeps, about 2 mm a frame, clean"] == ["fast", "both"]
    assert "| sweeps, about 2 mm | 2 | 100% (34% to 100%) | 0 |" in tables(read)


def test_parts_of_an_archive_that_are_done_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks import archive

    read: list[str] = []

    def run(folder: Path, out: Path, *, workers: int) -> dict[str, float]:
        read.append(folder.name)
        if len(read) == 2:
            raise KeyboardInterrupt
        return {"wall_s": 10.0, "cpu_s": 18.0, "peak_mib": 200.0 + len(read)}

    monkeypatch.setattr(archive, "PART", 2)
    monkeypatch.setattr(archive, "archive_run", run)
    monkeypatch.setattr(archive, "write_stills", lambda folder, images: None)
    with pytest.raises(KeyboardInterrupt):
        archive.archive_in_parts(tmp_path, 5, workers=2)
    found = archive.archive_in_parts(tmp_path, 5, workers=2)
    assert read == ["00000-00002", "00002-00004", "00002-00004", "00004-00005"]
    assert found == {"wall_s": 30.0, "cpu_s": 54.0, "peak_mib": 204.0}
    assert len(json.loads((tmp_path / "parts.json").read_text(encoding="utf-8"))) == 3


def test_starting_several_times_is_not_charged_to_the_stills() -> None:
    from benchmarks.archive import Kernel, figures_of

    kernel = Kernel(cpu_s=0.1, wall_s=0.1, network_cpu_s=0.09, network_pictures=4.0)
    small = {"cpu_s": 2.0 + 2 * 0.11, "wall_s": 2.0, "peak_mib": 1.0}
    run = {"cpu_s": 5 * 2.0 + 1000 * 0.11, "wall_s": 60.0, "peak_mib": 1.0}
    figures = figures_of(kernel, run, small, images=1000, workers=2, wanted=1000, starts=5)
    assert figures["each_s"] == pytest.approx(0.11)
    assert figures["start_s"] == pytest.approx(2.0)
