"""Tables drawn at random in the shape of the known ones: no row of any data set."""

import csv
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Rows = list[dict[str, str]]

REAL = Path(
    os.environ.get("DEEPPCOS_DATA", Path(__file__).resolve().parents[3] / ".." / "shared" / "data")
)
FULL = {
    "Weight gain(Y/N)": 0.35,
    "hair growth(Y/N)": 0.25,
    "Skin darkening (Y/N)": 0.3,
    "Hair loss(Y/N)": 0.4,
    "Pimples(Y/N)": 0.45,
    "Fast food (Y/N)": 0.5,
    "Reg.Exercise(Y/N)": 0.25,
}
NUMBERS = {
    " Age (yrs)": (31.0, 5.0, 0),
    "Weight (Kg)": (60.0, 10.0, 1),
    "Height(Cm) ": (157.0, 6.0, 1),
    "Cycle length(days)": (5.0, 1.2, 0),
    "Hip(inch)": (38.0, 3.0, 0),
    "Waist(inch)": (34.0, 3.0, 0),
    "BP _Systolic (mmHg)": (115.0, 8.0, 0),
    "BP _Diastolic (mmHg)": (76.0, 5.0, 0),
    "Pulse rate(bpm) ": (73.0, 3.0, 0),
    "Hb(g/dl)": (11.2, 0.8, 1),
    "FSH(mIU/mL)": (5.5, 1.2, 2),
    "LH(mIU/mL)": (4.0, 1.0, 2),
    "TSH (mIU/L)": (2.4, 0.6, 2),
    "AMH(ng/mL)": (5.0, 1.3, 2),
    "PRL(ng/mL)": (24.0, 6.0, 2),
    "Vit D3 (ng/mL)": (29.0, 6.0, 1),
    "PRG(ng/mL)": (0.6, 0.1, 3),
    "RBS(mg/dl)": (100.0, 9.0, 0),
    "Avg. F size (L) (mm)": (15.0, 2.0, 1),
    "Avg. F size (R) (mm)": (15.0, 2.0, 1),
    "Endometrium (mm)": (8.5, 1.5, 1),
}


def drawn_rows(n: int = 120, *, seed: int = 0) -> Rows:
    """Women who do not exist, with columns spelt as the 541-woman table spells them."""
    rng = np.random.default_rng(seed)
    rows: Rows = []
    for number in range(1, n + 1):
        positive = bool(rng.random() < 0.35)
        row = {"Sl. No": str(number), "PCOS (Y/N)": str(int(positive))}
        row["Cycle(R/I)"] = "4" if rng.random() < (0.55 if positive else 0.15) else "2"
        for name, share in FULL.items():
            row[name] = str(int(rng.random() < min(0.9, share * (1.8 if positive else 0.8))))
        for name, (mean, width, digits) in NUMBERS.items():
            row[name] = f"{max(rng.normal(mean, width), mean / 3):.{digits}f}"
        for side in "LR":
            count = rng.normal(9 if positive else 6.5, 3)
            row[f"Follicle No. ({side})"] = f"{max(0, round(count))}"
        rows.append(row)
    return rows


def write_rows(path: Path, rows: Rows, *, delimiter: str = ",") -> Path:
    """Write rows as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def table_of(tmp_path: Path) -> Callable[..., Path]:
    """A function from rows to the path of a CSV file."""

    def write(rows: Rows | None = None, *, delimiter: str = ",") -> Path:
        return write_rows(
            tmp_path / "women.csv", drawn_rows() if rows is None else rows, delimiter=delimiter
        )

    return write


@pytest.fixture(scope="session")
def clinical_data() -> Path:
    """The folder of the real tables; tests skip where it is absent."""
    folder = REAL / "clinical"
    if not (folder / "PCOS_data_without_infertility.xlsx").is_file():
        pytest.skip(f"no clinical tables in {folder}; set DEEPPCOS_DATA")
    pytest.importorskip("openpyxl")
    return folder
