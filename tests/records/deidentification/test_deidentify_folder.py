"""Many files: resumed after a kill, never overwritten, refused with a reason, none lost."""

import json
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.uid import ComprehensiveSRStorage

from deeppcos.errors import InvalidInput
from deeppcos.records.deidentification import (
    DeidentificationKey,
    DeidentificationPolicy,
    DeidentificationReport,
    DoneFile,
    deidentify,
    new_key,
)
from deeppcos.records.identifiers import PatientIdentifier

WriteImage = Callable[..., Path]


def no_text(*_: Any) -> tuple[Any, ...]:
    return ()


def run(tmp_path: Path, key: DeidentificationKey, **options: Any) -> DeidentificationReport:
    given: dict[str, Any] = {"find": no_text, "private": tmp_path / "private"} | options
    return deidentify([tmp_path / "originals"], into=tmp_path / "out", key=key, **given)


def test_an_image_without_regions_is_refused_even_with_an_engine(
    tmp_path: Path, write_image: "WriteImage", key: DeidentificationKey
) -> None:
    path = write_image()
    unknown = dcmread(path)
    del unknown.SequenceOfUltrasoundRegions
    unknown.save_as(path)
    assert run(tmp_path, key).refused == 1


def written(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file())


def test_results_lie_under_pseudonyms_and_nothing_there_names_the_originals(
    tmp_path: Path, write_image: WriteImage, key: DeidentificationKey
) -> None:
    write_image("Kowalska_1.dcm")
    write_image("Kowalska_2.dcm", SOPInstanceUID="1.2.826.0.1.77.4")
    report = run(tmp_path, key)
    assert (report.written, report.refused, report.frames) == (2, 0, 2)
    patient = PatientIdentifier(issuer="North Clinic", value="NC-20481632")
    assert {path.relative_to(tmp_path / "out").parts[0] for path in written(tmp_path)} == {
        key.pseudonym(patient)
    }
    assert "kowalska" not in " ".join(map(str, written(tmp_path))).lower().replace(
        str(tmp_path).lower(), ""
    )
    journal = tmp_path / "private" / "journal.jsonl"
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600


def test_a_second_run_does_nothing_and_says_the_same(
    tmp_path: Path, write_image: WriteImage, key: DeidentificationKey
) -> None:
    write_image()
    first = run(tmp_path, key)
    [path] = written(tmp_path)
    before = path.stat().st_mtime_ns
    told: list[DoneFile] = []
    again = run(tmp_path, key, on_done=told.append)
    assert (again.written, again.done_before, told) == (first.written, 1, [])
    assert path.stat().st_mtime_ns == before


def test_a_run_killed_anywhere_goes_on_to_the_same_results(
    tmp_path: Path, write_image: WriteImage, key: DeidentificationKey
) -> None:
    for number in range(4):
        write_image(f"{number}.dcm", SOPInstanceUID=f"1.2.826.0.1.77.{40 + number}")

    def killed(done: DoneFile) -> None:
        if done.entry.source.endswith("2.dcm"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, key, on_done=killed)
    journal = tmp_path / "private" / "journal.jsonl"
    # As a kill between the file and its line, and within a line, would leave it.
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:-1]) + lines[-1][:20])
    report = run(tmp_path, key)
    assert (report.written, report.duplicates, report.refused) == (4, 0, 0)
    assert report.done_before == 2
    assert len(written(tmp_path)) == 4
    assert not [path for path in written(tmp_path) if path.suffix == ".partial"]


def test_identical_copies_are_written_once_and_different_ones_are_kept_aside(
    tmp_path: Path, write_image: WriteImage, key: DeidentificationKey
) -> None:
    write_image("a.dcm")
    write_image("b.dcm")
    write_image("c.dcm", pixels=np.full((60, 80), 7, dtype=np.uint8))
    report = run(tmp_path, key)
    assert (report.written, report.duplicates, report.refused) == (1, 1, 1)
    [path] = written(tmp_path)
    assert (np.asarray(dcmread(path).pixel_array)[10:] != 7).any()


def test_a_file_that_lies_there_already_is_never_overwritten(
    tmp_path: Path, write_image: WriteImage, key: DeidentificationKey
) -> None:
    write_image()
    run(tmp_path, key)
    [path] = written(tmp_path)
    path.write_bytes(b"somebody's work")
    (tmp_path / "private" / "journal.jsonl").unlink()
    report = run(tmp_path, key)
    assert (report.written, report.refused) == (0, 1)
    assert path.read_bytes() == b"somebody's work"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"SOPClassUID": ComprehensiveSRStorage, "Modality": "SR"}, "nothing of the report"),
        ({"SOPInstanceUID": ""}, "which image it is"),
        ({"PatientID": "20481632", "InstanceNumber": 20481632}, "came through"),
        ({"SpecificCharacterSet": "ISO_IR 192", "PatientName": "حسن^ليلى"}, "in a script"),
    ],
    ids=["not-ultrasound", "no-identifier", "number-among-numbers", "unread-script"],
)
@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_made_safe_is_refused_with_its_reason_and_left_where_it_is(
    tmp_path: Path,
    write_image: WriteImage,
    key: DeidentificationKey,
    change: dict[str, Any],
    reason: str,
) -> None:
    path = write_image(**{name: value for name, value in change.items() if value != ""})
    if change.get("SOPInstanceUID") == "":
        header = dcmread(path)
        header.SOPInstanceUID = ""
        header.save_as(path)
    before = path.read_bytes()
    told: list[DoneFile] = []
    report = run(tmp_path, key, on_done=told.append)
    assert (report.written, report.refused) == (0, 1)
    assert reason in told[0].entry.reason
    assert written(tmp_path) == []
    assert path.read_bytes() == before


def test_damaged_and_foreign_files_are_refused(tmp_path: Path, write_image: WriteImage) -> None:
    path = write_image()
    path.write_bytes(path.read_bytes()[:-900])
    (path.parent / "film.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(64))
    report = run(tmp_path, new_key())
    assert (report.written, report.refused) == (0, 2)


def test_without_an_engine_everything_is_refused_unless_regions_may_be_trusted(
    tmp_path: Path, write_image: WriteImage, key: DeidentificationKey
) -> None:
    write_image()
    unknown = dcmread(write_image("unknown.dcm", SOPInstanceUID="1.2.826.0.1.77.8"))
    del unknown.SequenceOfUltrasoundRegions
    unknown.save_as(tmp_path / "originals" / "unknown.dcm")
    assert run(tmp_path, key, find=None).refused == 2
    trusting = deidentify(
        [tmp_path / "originals"],
        into=tmp_path / "trusting",
        private=tmp_path / "trusting-private",
        key=key,
        policy=DeidentificationPolicy(trust_regions=True),
        find=None,
    )
    assert (trusting.written, trusting.refused) == (1, 1)
    [path] = (tmp_path / "trusting").rglob("*.dcm")
    codes = [item.CodeValue for item in dcmread(path).DeidentificationMethodCodeSequence]
    assert "113101" not in codes
    assert dcmread(path).BurnedInAnnotation == "YES"


def test_a_folder_begun_with_one_key_is_not_gone_on_with_another(
    tmp_path: Path, write_image: WriteImage, key: DeidentificationKey
) -> None:
    write_image()
    run(tmp_path, key)
    with pytest.raises(InvalidInput, match="another key"):
        run(tmp_path, new_key())


def test_the_private_folder_may_not_lie_in_the_results(
    tmp_path: Path, key: DeidentificationKey
) -> None:
    with pytest.raises(InvalidInput, match="private folder"):
        deidentify([], into=tmp_path, private=tmp_path / "in", key=key)


def test_merged_numbers_share_a_pseudonym(
    tmp_path: Path, write_image: WriteImage, key: DeidentificationKey
) -> None:
    write_image("a.dcm")
    write_image("b.dcm", PatientID="OLD-1", SOPInstanceUID="1.2.826.0.1.77.5")
    standing = PatientIdentifier(issuer="North Clinic", value="NC-20481632")
    run(tmp_path, key, canonical=lambda _: standing)
    assert {dcmread(path).PatientID for path in written(tmp_path)} == {key.pseudonym(standing)}


def test_pictures_become_png_under_a_name_made_from_the_key(
    tmp_path: Path, key: DeidentificationKey
) -> None:
    folder = tmp_path / "originals"
    folder.mkdir()
    Image.fromarray(np.full((90, 90, 3), 80, np.uint8)).save(folder / "Anna Kowalska.jpg")
    assert run(tmp_path, key, private=tmp_path / "strict").refused == 1
    anywhere = DeidentificationPolicy(accept_unknown_layouts=True)
    report = run(tmp_path, key, policy=anywhere)
    assert (report.written, report.without_regions) == (1, 1)
    [path] = written(tmp_path)
    assert path.parent.name == "pictures"
    assert path.suffix == ".png"
    journal = (tmp_path / "private" / "journal.jsonl").read_text().splitlines()
    assert json.loads(journal[-1])["output"] == f"pictures/{path.name}"


def test_dciodvfy_finds_no_error_in_what_is_written(
    tmp_path: Path, write_image: WriteImage, key: DeidentificationKey
) -> None:
    program = "/usr/bin/dciodvfy"
    if not os.access(program, os.X_OK):
        pytest.skip("dciodvfy is not installed")
    write_image("still.dcm")
    write_image(
        "cine.dcm", pixels=np.full((4, 60, 80), 9, np.uint8), SOPInstanceUID="1.2.826.0.1.77.6"
    )
    run(tmp_path, key)
    for path in written(tmp_path):
        said = subprocess.run([program, str(path)], capture_output=True, text=True, check=False)
        assert "Error" not in said.stderr, said.stderr
