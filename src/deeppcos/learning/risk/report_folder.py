"""The report of one table: a page, pictures, figures, the repair report and the release.

Owns what lies in the folder. Numbers come from ``study``, pictures from ``pictures``, words and
tables of the page from ``report_tables``.
"""

import csv
import json
from pathlib import Path
from typing import Any

from deeppcos.errors import InvalidInput
from deeppcos.learning.metrics import Measured
from deeppcos.learning.risk.pictures import draw_study
from deeppcos.learning.risk.release_file import write_release
from deeppcos.learning.risk.repair import Repair
from deeppcos.learning.risk.report_tables import page
from deeppcos.learning.risk.study import Study

PAGE, FIGURES, REPAIRS, RELEASE = "report.html", "figures.json", "repairs.csv", "risk.json"


def claim_folder(out: Path, *, force: bool) -> None:
    """Refuse a folder that holds a report already, before hours are spent.

    Raises:
        InvalidInput: If there is one and ``force`` is not given.
    """
    if (out / PAGE).exists() and not force:
        raise InvalidInput(
            "there is a report already",
            value=str(out / PAGE),
            accepted="a new or empty folder",
            remedy="choose another folder, or pass --force to replace the report",
        )
    out.mkdir(parents=True, exist_ok=True)


def write_report(study: Study, out: Path, *, command: str) -> None:
    """Write everything a study found.

    Args:
        study: The study.
        out: Folder; made if absent.
        command: The command that made it, as printed on the page.
    """
    out.mkdir(parents=True, exist_ok=True)
    pictures = draw_study(study, out / "pictures")
    write_repairs(study.table.repairs, out / REPAIRS)
    write_release(study.release, out / RELEASE)
    text = json.dumps(as_figures(study), indent=1, ensure_ascii=False)
    (out / FIGURES).write_text(f"{text}\n", encoding="utf-8")
    # Last, so that its existence means that the report is complete.
    (out / PAGE).write_text(page(study, pictures, command=command), encoding="utf-8")


def write_repairs(repairs: tuple[Repair, ...], path: Path) -> None:
    """The repair report as a table, one line for each thing done."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "column", "found", "action", "because", "used"])
        for r in repairs:
            used = "" if r.used is None else f"{r.used:g}"
            writer.writerow([r.row or "", r.column, r.found, r.action.value, r.because, used])


def as_figures(study: Study) -> dict[str, Any]:
    """Every figure of a study as plain data: value, low, high."""
    return {
        "data": study.table.adapter.name,
        "label": study.table.adapter.label_meaning,
        "rows": int(study.table.label.size),
        "women": study.table.n_groups,
        "labelled": int(study.table.label.sum()),
        "repeats": study.repeats,
        "tiers": [
            {
                "tier": r.held.tier.label,
                "with_label_defining": r.held.with_label_defining,
                "auroc": _three(r.figures.auroc),
                "accuracy": _three(r.figures.accuracy),
                "brier": _three(r.figures.brier),
                "calibration_slope": _three(r.figures.calibration_slope),
                "calibration_in_the_large": _three(r.figures.calibration_in_the_large),
                "calibration_error": _three(r.figures.calibration_error),
                "coverage": _three(r.coverage),
                "coverage_labelled": _three(r.coverage_labelled),
                "coverage_others": _three(r.coverage_others),
                "decided": _three(r.decided),
                "interval_width": _three(r.mean_width),
                "auroc_hidden": {str(s): _three(f) for s, f in r.hidden.items()},
                "calibration_error_hidden": {str(s): _three(f) for s, f in r.hidden_error.items()},
            }
            for r in study.tiers
        ],
        "criteria_alone": [
            {
                "profile": b.profile,
                "engine": b.engine,
                "auroc_of_count": _three(study.baseline_auroc[b.profile]),
                "sensitivity_reported": float(b.reported_met[study.table.label].mean()),
                "specificity_reported": float(1 - b.reported_met[~study.table.label].mean()),
            }
            for b in study.baselines
        ],
        "comparators": {
            name: {
                kind: {"auroc": _three(f.auroc), "accuracy": _three(f.accuracy)}
                for kind, f in zip(("all", "without label-defining"), both, strict=True)
            }
            for name, both in study.comparators.items()
        },
        "lesson": [
            {
                "resampler": o.resampler,
                "inside_the_folds": o.is_right,
                "accuracy": _three(o.accuracy),
                "auroc": _three(o.auroc),
                "rows_scored": o.n_scored,
                "real_women_among_them": o.n_real,
            }
            for o in study.lesson
        ],
        "shift": [
            {
                "tested_on": t.tested_on,
                "with_label_defining": t.with_label_defining,
                "shared": list(t.shared),
                "unknown": list(t.unknown),
                "n": int(t.label.size),
                "labelled": int(t.label.sum()),
                "auroc_home": _three(t.home),
                "auroc_away": _three(t.away.auroc),
                "calibration_slope_away": _three(t.away.calibration_slope),
                "calibration_in_the_large_away": _three(t.away.calibration_in_the_large),
                "brier_away": _three(t.away.brier),
            }
            for t in study.transfers
        ],
        "fusion_real_women": {name: _three(f) for name, f in study.fusion.items()},
    }


def _three(figure: Measured) -> list[float | None]:
    """Value, low and high, to four digits."""
    return [None if v is None else round(v, 4) for v in (figure.value, figure.low, figure.high)]
