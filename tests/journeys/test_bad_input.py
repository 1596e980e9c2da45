"""Bad input: one clear line each, the rest goes on, nothing is overwritten."""

import json
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from deeppcos.learning.phantom import SceneMix, random_scene

Completed = subprocess.CompletedProcess[str]
Command = Callable[..., Completed]


def _png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds almost nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    )


@pytest.fixture(scope="module")
def bad_folder(tmp_path_factory: pytest.TempPathFactory, example: Path) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    still = example / "left_ovary_long.dcm"
    (folder / "good.dcm").write_bytes(still.read_bytes())
    (folder / "truncated.dcm").write_bytes(still.read_bytes()[:4000])
    (folder / "empty.png").write_bytes(b"")
    (folder / "wrong_magic.png").write_bytes(b"this is no picture at all" * 40)
    (folder / "paper.dcm").write_bytes(b"%PDF-1.7\n" + b"0" * 600)
    (folder / "wide.png").write_bytes(_png_header(40_000, 40_000))
    (folder / "bomb.png").write_bytes(_png_header(16_000, 16_000))
    header = dcmread(still)
    del header.PixelData
    header.save_as(folder / "no_pixels.dcm")
    header = dcmread(still)
    header.PixelData = encapsulate([header.PixelData])
    header["PixelData"].is_undefined_length = True
    header.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.201")
    header.save_as(folder / "unsupported.dcm", implicit_vr=False, little_endian=True)
    return folder


REFUSED = (
    "truncated.dcm",
    "empty.png",
    "wrong_magic.png",
    "paper.dcm",
    "wide.png",
    "bomb.png",
    "no_pixels.dcm",
    "unsupported.dcm",
)


@pytest.fixture(scope="module")
def run_over_bad(bad_folder: Path, deeppcos_command: Command) -> Completed:
    return deeppcos_command("analyze", bad_folder, "--format", "json")


def test_every_bad_file_is_refused_by_name_and_the_good_one_is_read(
    run_over_bad: Completed,
) -> None:
    document = json.loads(run_over_bad.stdout)
    refused = {Path(r["source"]).name: r["reason"] for r in document["refused"]}
    assert set(refused) == set(REFUSED)
    assert [Path(f["source"]).name for f in document["frames"]] == ["good.dcm"]
    assert run_over_bad.returncode == 1


@pytest.mark.parametrize("name", REFUSED)
def test_each_refusal_is_one_line_on_stderr_with_a_remedy(
    run_over_bad: Completed, name: str
) -> None:
    lines = [line for line in run_over_bad.stderr.splitlines() if name in line]
    assert len(lines) == 1
    assert lines[0].count(";") >= 1, "a problem and what to do about it"


def test_no_traceback_reaches_the_user(run_over_bad: Completed) -> None:
    assert "Traceback" not in run_over_bad.stderr


def _photograph() -> npt.NDArray[np.uint8]:
    y, x = np.mgrid[0:480, 0:640]
    return np.stack([x % 256, (y * 2) % 256, (x + 3 * y) % 256], -1).astype(np.uint8)


def _uterus() -> npt.NDArray[np.uint8]:
    mix = SceneMix(without_ovary=1.0, graphics=0.0)
    return random_scene(np.random.default_rng(4), mix=mix).pixels


def _noise() -> npt.NDArray[np.uint8]:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 1))
    return np.repeat(noise, 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "pixels"),
    [
        ("photograph", _photograph()),
        ("uterus", _uterus()),
        ("noise", _noise()),
        ("black", np.zeros((480, 640, 3), np.uint8)),
        ("tiny", np.full((40, 40, 3), 90, np.uint8)),
        ("flat", np.full((480, 640, 3), 90, np.uint8)),
    ],
)
def test_a_picture_without_an_ovary_is_read_but_not_assessable(
    tmp_path: Path,
    name: str,
    pixels: npt.NDArray[np.uint8],
) -> None:
    import deeppcos

    file = tmp_path / f"{name}.png"
    Image.fromarray(pixels).save(file)
    [frame] = deeppcos.analyze([file]).frames
    assert not frame.assessable
    assert frame.not_assessable_because


@pytest.mark.parametrize(
    ("chart", "told"),
    [
        ({"patient": {"age_years": -3}}, "age_years"),
        (
            {"labs": [{"analyte": "total_testosterone", "value": 62, "unit": "nmol/L"}]},
            "total_testosterone",
        ),
        ({"patient": {"shoe_size": 38}}, "shoe_size"),
        ({"labs": [{"analyte": "tsh", "value": 2, "unit": "furlong"}]}, "furlong"),
    ],
)
def test_a_bad_chart_is_asked_back_and_the_pictures_go_on(
    tmp_path: Path,
    example: Path,
    deeppcos_command: Command,
    chart: dict[str, object],
    told: str,
) -> None:
    file = tmp_path / "chart.json"
    file.write_text(json.dumps({"schema": "deeppcos.chart/1", **chart}), encoding="utf-8")
    still = example / "left_ovary_long.dcm"
    result = deeppcos_command("analyze", still, "--chart", file, "--format", "json")
    assert result.returncode == 1
    document = json.loads(result.stdout)
    [refused] = document["refused"]
    assert refused["source"] == str(file)
    assert told in refused["reason"]
    assert [frame["source"] for frame in document["frames"]] == [str(still)]
    assert document["findings"]["hyperandrogenism"]["state"] == "unknown"
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_bad_chart_alone_is_refused_and_gives_no_answer_in_words(
    tmp_path: Path, deeppcos_command: Command
) -> None:
    file = tmp_path / "chart.json"
    file.write_text('{"patient": {"age_years": -3}}', encoding="utf-8")
    result = deeppcos_command("assess", file)
    assert (result.returncode, result.stdout) == (1, "")
    assert "age_years" in result.stderr
    document = json.loads(deeppcos_command("assess", file, "--format", "json").stdout)
    assert document["conclusion"]["status"] == "indeterminate"
    assert "age_years" in document["refused"][0]["reason"]


def test_a_chart_that_is_not_there_is_wrong_usage(example: Path, deeppcos_command: Command) -> None:
    result = deeppcos_command("analyze", example / "left_ovary_long.dcm", "--chart", "none.json")
    assert (result.returncode, result.stdout) == (2, "")
    assert "none.json" in result.stderr


def test_a_report_is_not_overwritten_without_force(
    tmp_path: Path, deeppcos_command: Command
) -> None:
    picture = tmp_path / "black.png"
    cv2.imwrite(str(picture), np.zeros((200, 200), np.uint8))
    out = tmp_path / "report"
    assert deeppcos_command("analyze", picture, "--out", out).returncode == 0
    before = (out / "assessment.json").read_bytes()
    refused = deeppcos_command("analyze", picture, "--out", out)
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert (out / "assessment.json").read_bytes() == before
    assert deeppcos_command("analyze", picture, "--out", out, "--force").returncode == 0


def test_an_unknown_profile_is_wrong_usage_and_names_the_known_ones(
    example: Path,
    deeppcos_command: Command,
) -> None:
    result = deeppcos_command("assess", example / "chart.json", "--profile", "horoscope")
    assert result.returncode == 2
    assert "guideline_2023" in result.stderr
