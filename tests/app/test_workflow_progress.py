"""How far a volume is told while it is looked through, before its first slice is given."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from deeppcos.app.workflow import looked_through
from deeppcos.records.study_file import MediaKind, OpenedStudyFile
from deeppcos.vision import volume_analysis
from deeppcos.vision.frame import UltrasoundFrame
from deeppcos.vision.release import load_release

SLICES = 5


def no_frames() -> Iterator[UltrasoundFrame]:
    yield from ()


def test_a_volume_tells_how_far_it_is_and_never_counts_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def looks(frames: object, release: object, *, progress: Callable[[int, int], None], **more: Any
    ) -> SimpleNamespace:  # fmt: skip
        for section in range(1, 13):
            progress(section, 12)
        return SimpleNamespace(findings=tuple(range(SLICES)))

    monkeypatch.setattr(volume_analysis, "analyse_volume", looks)
    volume = OpenedStudyFile(
        source="volume.nii.gz",
        kind=MediaKind.VOLUME,
        frame_count=SLICES,
        frames=no_frames,
        slice_spacing_mm=0.5,
    )
    told: list[tuple[str, int, int]] = []
    seen, problem = looked_through(volume, load_release(), lambda *one: told.append(one))
    assert problem is None
    assert len(seen) == SLICES
    done = [one[1] for one in told]
    assert done == sorted(set(done))
    assert done[0] < SLICES, "something is told before the last section"
    assert told[-1] == ("volume.nii.gz", SLICES, SLICES)
