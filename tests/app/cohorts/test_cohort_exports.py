"""Exports: only who agreed, under pseudonyms, with dates moved, in forms others read."""

import csv
import itertools
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO
from tests.research.conftest import answers

from deeppcos.app.cohorts.exporting import CohortExport, export_cohort
from deeppcos.app.cohorts.folders import write_simulated
from deeppcos.app.cohorts.making import make_table, query_of, save_query
from deeppcos.app.cohorts.outlined_folder import export_folder
from deeppcos.app.cohorts.outlines import OutlinedStudy, export_outlines
from deeppcos.errors import InvalidInput
from deeppcos.records.deidentification import new_key
from deeppcos.records.fhir.parts import problems_of
from deeppcos.research.export.omop import TABLES
from deeppcos.research.simulation import simulated_visits
from deeppcos.research.table import open_table, quoted

FORMS = ["parquet", "csv", "omop", "fhir"]


def rows(file: Path, columns: str = "*") -> list[tuple[Any, ...]]:
    return answers(f"SELECT {columns} FROM {quoted(file)}")


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def exported(made: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CohortExport]:
    folder = tmp_path_factory.mktemp("export")
    saved = folder / "cohort.json"
    save_query(query_of([], take="latest"), open_table(made), saved, name="all")
    return folder / "out", export_cohort(saved, made, folder / "out", forms=FORMS)


def test_only_women_who_agreed_leave_the_house(
    exported: tuple[Path, CohortExport], made: Path
) -> None:
    out, done = exported
    agreed = {
        who
        for (who,) in answers(
            f"SELECT patient_id FROM {quoted(made / 'assessments.parquet')} "
            "GROUP BY 1 HAVING bool_and(consent IS TRUE)"
        )
    }
    leaving = set(rows(out / "parquet" / "assessments.parquet", "patient_id"))
    assert len(leaving) == done.women == len(agreed)
    assert done.without_consent == 160 - len(agreed) > 0
    assert set(rows(out / "parquet" / "assessments.parquet", "consent")) == {(True,)}


def test_no_identifier_of_the_house_stands_in_any_file(
    exported: tuple[Path, CohortExport],
) -> None:
    out, done = exported
    for name in done.files:
        assert b"sim-0" not in (out / name).read_bytes(), name
    text = repr(rows(out / "parquet" / "assessments.parquet"))
    assert "sim-0" not in text
    assert not list(out.rglob("*key*"))


def test_the_dates_of_a_woman_move_together_and_those_of_others_otherwise(
    exported: tuple[Path, CohortExport], made: Path
) -> None:
    out, _ = exported
    gaps = "list_sort(list(performed_on)) AS days, any_value(age_years), count(*) AS visits"
    before = answers(
        f"SELECT {gaps} FROM {quoted(made / 'assessments.parquet')} WHERE consent "
        "GROUP BY patient_id"
    )
    after = answers(
        f"SELECT {gaps} FROM {quoted(out / 'parquet' / 'assessments.parquet')} GROUP BY patient_id"
    )

    def intervals(found: list[tuple[Any, ...]]) -> list[list[int]]:
        return sorted([(b - a).days for a, b in itertools.pairwise(d)] for d, *_ in found)

    assert intervals(before) == intervals(after)
    moved = {d[0] for d, *_ in before} & {d[0] for d, *_ in after}
    assert len(moved) < 0.3 * len(before)


def test_the_export_is_read_by_the_commands_that_made_it(
    exported: tuple[Path, CohortExport],
) -> None:
    out, _ = exported
    assert open_table(out / "parquet").rows["assessments"] > 100
    note = json.loads((out / "export.json").read_text(encoding="utf-8"))
    assert set(note["files"]) | {"export.json"} == {
        p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()
    }


def test_omop_tables_have_their_columns_and_hold_together(
    exported: tuple[Path, CohortExport],
) -> None:
    out, _ = exported
    folder = out / "omop"
    for name, columns in TABLES.items():
        found = answers(f"DESCRIBE SELECT * FROM {quoted(folder / f'{name}.parquet')}")
        assert [row[0] for row in found] == list(columns)
    people = {row[0] for row in rows(folder / "person.parquet", "person_id")}
    visits = {row[0] for row in rows(folder / "visit_occurrence.parquet", "visit_occurrence_id")}
    for name in ("measurement", "observation"):
        for person, visit in rows(folder / f"{name}.parquet", "person_id, visit_occurrence_id"):
            assert person in people
            assert visit in visits
    [(concept, unit)] = set(
        answers(
            "SELECT measurement_concept_id, unit_concept_id FROM "
            f"{quoted(folder / 'measurement.parquet')} WHERE measurement_source_value = '4548-4'"
        )
    )
    assert (concept, unit) == (3004410, 8554)
    sources = rows(folder / "measurement.parquet", "measurement_source_value")
    assert all(source for (source,) in sources)


def test_every_concept_that_is_written_is_named_with_how_it_was_checked(
    exported: tuple[Path, CohortExport],
) -> None:
    out, _ = exported
    with (out / "omop" / "concepts.csv").open(encoding="utf-8", newline="") as text:
        named = {int(row["concept_id"]): row for row in csv.DictReader(text)}
    written: set[int] = set()
    for name, columns in TABLES.items():
        for column in (one for one in columns if one.endswith("concept_id")):
            written |= {n for (n,) in rows(out / "omop" / f"{name}.parquet", f"DISTINCT {column}")}
    assert {3004410, 8554, 8532, 0} <= written
    assert written <= set(named)
    assert all(row["checked"] and row["name"] for row in named.values())


def test_fhir_resources_follow_r4_and_point_to_each_other(
    exported: tuple[Path, CohortExport],
) -> None:
    out, done = exported
    folder = out / "fhir"
    patients = lines_of(folder / "Patient.ndjson")
    known = {f"Patient/{one['id']}" for one in patients}
    assert len(known) == done.women
    observations = lines_of(folder / "Observation.ndjson")
    assert {one["subject"]["reference"] for one in observations} <= known
    assert len({one["id"] for one in observations}) == len(observations)
    assert [problems_of(one) for one in (*patients[:5], *observations[:20])] == [[]] * 25
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert {one["type"]: one["count"] for one in manifest["output"]} == {
        "Patient": len(patients),
        "Observation": len(observations),
    }


def test_too_few_who_agreed_is_refused(made: Path, tmp_path: Path) -> None:
    saved = tmp_path / "few.json"
    save_query(query_of(["consent=false"], take="latest"), open_table(made), saved, name="few")
    with pytest.raises(InvalidInput, match="too few women agreed to research"):
        export_cohort(saved, made, tmp_path / "out", forms=["csv"])
    assert not (tmp_path / "out").exists()


def test_an_unknown_form_is_refused(made: Path, tmp_path: Path) -> None:
    saved = tmp_path / "all.json"
    save_query(query_of([], take="latest"), open_table(made), saved, name="all")
    with pytest.raises(InvalidInput, match="unknown form of export; got sas"):
        export_cohort(saved, made, tmp_path / "out", forms=["sas"])


FRAME = {
    "source": "left.png", "frame": 0, "width": 64, "height": 48, "mm_per_pixel": None,
    "side": "left", "assessable": True, "lesions": [], "ovaries": [],
}  # fmt: skip


def outlined(consent: bool | None, *, assessable: bool = True) -> OutlinedStudy:
    frame = {
        "source": "x.dcm", "frame": 0, "width": 64, "height": 48, "mm_per_pixel": None,
        "side": "left", "assessable": assessable, "lesions": [],
        "ovaries": [{
            "polygon": [[10, 10], [40, 10], [40, 30], [10, 30]], "probability": 0.9,
            "follicles": [{"polygon": [[12, 12], [20, 12], [16, 20]], "probability": 0.8,
                           "kind": "antral"}],
        }],
    }  # fmt: skip
    pixels = np.full((48, 64, 3), 90, np.uint8)
    return OutlinedStudy(
        document={"frames": [frame]},
        patient_id="MRN-1",
        consent=consent,
        read_by="signed",
        picture_of=lambda _source, _frame: pixels,
    )


def test_coco_holds_the_outlines_of_those_who_agreed(tmp_path: Path) -> None:
    studies = [outlined(True), outlined(None), outlined(False), outlined(True, assessable=False)]
    done = export_outlines(studies, tmp_path / "coco", key=new_key(), clean=lambda pixels: pixels)
    assert (done.images, done.without_consent, done.left_out) == (2, 2, ())
    coco = COCO(str(tmp_path / "coco" / "annotations.json"))
    assert len(coco.getImgIds()) == 2
    first, second = (coco.loadAnns(coco.getAnnIds(imgIds=[n])) for n in (1, 2))
    assert [one["area"] for one in first] == [600.0, 32.0]
    assert second == []
    assert "MRN-1" not in (tmp_path / "coco" / "annotations.json").read_text(encoding="utf-8")
    assert (tmp_path / "coco" / coco.loadImgs([1])[0]["file_name"]).is_file()


def test_the_pictures_of_a_cohort_in_a_folder_are_found_beside_their_assessments(
    tmp_path: Path,
) -> None:
    studies, table, saved = tmp_path / "studies", tmp_path / "table", tmp_path / "all.json"
    write_simulated(studies, itertools.islice(simulated_visits(40, seed=3), 40))
    files = sorted(studies.rglob("assessment.json"))
    for file in files:
        document = json.loads(file.read_text(encoding="utf-8"))
        document["frames"] = [FRAME]
        file.write_text(json.dumps(document), encoding="utf-8")
    for file in files[1:]:
        cv2.imwrite(str(file.parent / "left.png"), np.full((48, 64, 3), 90, np.uint8))
    make_table(studies, table)
    save_query(query_of([], take="latest"), open_table(table), saved, name="all")
    told: list[tuple[int, int]] = []
    done = export_folder(
        saved,
        table,
        studies,
        tmp_path / "coco",
        progress=lambda number, total: told.append((number, total)),
        clean=lambda pixels: pixels,
    )
    lines = (studies / "studies.csv").read_text(encoding="utf-8").splitlines()
    agreed = {line.split(",")[1] for line in lines if ",yes," in line} - {
        line.split(",")[1] for line in lines if ",no," in line or ",," in line
    }
    coco = json.loads((tmp_path / "coco" / "annotations.json").read_text(encoding="utf-8"))
    assert 10 <= len({one["patient"] for one in coco["images"]}) <= len(agreed)
    assert done.images == len(coco["images"])
    assert len(told) == told[0][1] == done.images + len(done.left_out)
    assert all(reason == "the picture is not there any more" for _, reason in done.left_out)
    assert not agreed & {one["patient"] for one in coco["images"]}


def test_a_picture_that_cannot_be_cleaned_is_left_out_and_named(tmp_path: Path) -> None:
    def fails(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        raise InvalidInput("text is still found after blanking")

    done = export_outlines([outlined(True)], tmp_path / "coco", key=new_key(), clean=fails)
    assert done.images == 0
    assert "still found" in done.left_out[0][1]
    assert list((tmp_path / "coco" / "images").iterdir()) == []
