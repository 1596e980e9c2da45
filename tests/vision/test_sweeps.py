from pathlib import Path

import cv2
import numpy as np
import pytest

from deeppcos.errors import InvalidInput
from deeppcos.vision.sweeps import open_sweep


def written_video(path: Path, codec: str, *, frames: int = 20, rate: float = 12.5) -> Path:
    """A video whose frames brighten by 10 levels each, red above and blue below."""
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate, (64, 48))
    for index in range(frames):
        bgr = np.zeros((48, 64, 3), np.uint8)
        bgr[:24, :, 2] = bgr[24:, :, 0] = 20 + index * 10
        video.write(bgr)
    video.release()
    return path


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "mp4v"), ("a.avi", "MJPG"), ("b.avi", "XVID"), ("c.avi", "FFV1")]
)
def test_frames_come_in_order_with_their_times(tmp_path: Path, name: str, codec: str) -> None:
    sweep = open_sweep(written_video(tmp_path / name, codec))
    frames = list(sweep.frames())
    assert sweep.frame_count == len(frames) == 20
    assert sweep.frames_per_second == pytest.approx(12.5)
    assert [frame.index for frame in frames] == list(range(20))
    assert [frame.time_s for frame in frames] == pytest.approx([i / 12.5 for i in range(20)])
    red = [float(frame.pixels[4:20, :, 0].mean()) for frame in frames]
    assert np.all(np.diff(red) > 5)
    assert frames[-1].pixels[4:20, :, 2].mean() < 40  # red stayed red
    assert frames[0].pixels.shape == (48, 64, 3)


def test_lossless_video_returns_the_pixels(tmp_path: Path) -> None:
    last = list(open_sweep(written_video(tmp_path / "a.avi", "FFV1")).frames())[-1]
    assert np.abs(last.pixels[:24, :, 0].astype(int) - 210).max() <= 3
    assert last.pixels[:24, :, 1:].max() <= 3


def test_a_video_has_no_scale(tmp_path: Path) -> None:
    frame = next(open_sweep(written_video(tmp_path / "a.mp4", "mp4v")).frames())
    assert frame.mm_per_pixel is None
    assert frame.scale_problem == "a video states no pixel size"


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "mp4v"), ("a.avi", "MJPG"), ("b.avi", "FFV1")]
)
def test_a_cut_video_is_refused_quietly(
    tmp_path: Path, name: str, codec: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = written_video(tmp_path / name, codec)
    capfd.readouterr()  # what the encoder said
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(InvalidInput, match=rf"{name}: .*export the sweep again"):
        open_sweep(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "content", [b"", b"RIFF\x10\0\0\0AVI LIST", b"\0\0\0\x18ftypisom" + bytes(64)]
)
def test_what_is_no_video_is_refused_quietly(
    tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.mp4"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"bad\.mp4"):
        open_sweep(path)
    assert capfd.readouterr() == ("", "")


def test_a_long_video_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deeppcos.vision.sweeps.MAX_VIDEO_FRAMES", 19)
    with pytest.raises(InvalidInput, match=r"too long; got 20 frames; accepted: up to 19 frames"):
        open_sweep(written_video(tmp_path / "a.avi", "MJPG"))
