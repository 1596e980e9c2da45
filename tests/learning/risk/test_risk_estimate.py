"""A research estimate: below the criteria, withheld where they are answered, never a diagnosis."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deeppcos.app.cli import app
from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.ovary import (
    FollicleNumberPerOvary,
    MeasurementSource,
    OvaryMeasurements,
    Route,
    Ultrasound,
)
from deeppcos.clinical.patient import Body, Contraception, Cycles, Patient, Signs
from deeppcos.clinical.units import LabValue
from deeppcos.errors import InvalidInput
from deeppcos.learning.risk.chart_features import MODERN_COUNT
from deeppcos.learning.risk.dictionary import Tier
from deeppcos.learning.risk.estimate import STATEMENT, estimate, to_document
from deeppcos.learning.risk.release_file import load_release

RELEASE = load_release()
OPEN = PatientChart(
    patient=Patient(age_years=29),
    cycles=Cycles(interval_days=52),
    body=Body(height_cm=160, weight_kg=76),
    signs=Signs(acne=True),
)


def labs(*values: tuple[Analyte, float, str]) -> tuple[LabValue, ...]:
    """Laboratory results."""
    return tuple(LabValue(analyte=a, value=v, unit=u) for a, v, u in values)


def test_an_open_question_gets_an_estimate_that_says_what_it_is() -> None:
    result = estimate(OPEN, RELEASE)
    assert result.conclusion.status.value == "indeterminate"
    assert result.tier is Tier.QUESTIONNAIRE
    both, without = result.readings
    assert 0 < both.low <= both.probability <= both.high < 1
    assert both.with_label_defining
    assert not without.with_label_defining
    document = to_document(result)
    assert document["statement"] == STATEMENT
    assert "Research estimate" in STATEMENT
    assert "diagnosed" not in json.dumps(document)


def test_what_was_measured_chooses_the_tier() -> None:
    examined = replace(OPEN, body=Body(height_cm=160, weight_kg=76, waist_cm=92))
    assert estimate(examined, RELEASE).tier is Tier.EXAMINATION
    tested = replace(examined, labs=labs((Analyte.AMH, 7.1, "ng/mL")))
    assert estimate(tested, RELEASE).tier is Tier.LABORATORY


def test_the_parts_add_up_and_name_unknown_values_as_unknown() -> None:
    reading = estimate(OPEN, RELEASE).readings[0]
    assert {p.feature for p in reading.parts if p.value is None} >= {"weight_gain", "fast_food"}
    model = reading.model.fitted.model
    total = model.base + sum(part.log_odds for part in reading.parts)
    assert 1 / (1 + 2.718281828459045**-total) == pytest.approx(reading.probability)


def test_mass_and_molar_units_give_the_same_estimate() -> None:
    mass = estimate(replace(OPEN, labs=labs((Analyte.AMH, 7.0, "ng/mL"))), RELEASE)
    molar = estimate(replace(OPEN, labs=labs((Analyte.AMH, 50.0, "pmol/L"))), RELEASE)
    assert mass.readings[0].probability == pytest.approx(molar.readings[0].probability)


def test_more_reported_signs_never_lower_the_estimate() -> None:
    quiet = estimate(OPEN, RELEASE, answers={"skin_darkening": False, "weight_gain": False})
    loud = estimate(OPEN, RELEASE, answers={"skin_darkening": True, "weight_gain": True})
    assert loud.readings[0].probability > quiet.readings[0].probability


@pytest.mark.parametrize(
    ("patient", "reason"),
    [
        (Patient(age_years=16, age_at_menarche_years=12), "adolescents"),
        (Patient(age_years=19), "adult status is unknown"),
        (Patient(age_years=57), "age outside"),
        (Patient(age_years=29, pregnant=True), "pregnant"),
        (Patient(age_years=40, postmenopausal=True), "postmenopausal"),
        (
            Patient(age_years=29, hormonal_contraception=Contraception.COMBINED),
            "hormonal contraception",
        ),
    ],
    ids=["adolescent", "unknown_adult", "old", "pregnant", "postmenopausal", "contraception"],
)
def test_women_who_are_not_in_the_data_get_none(patient: Patient, reason: str) -> None:
    result = estimate(replace(OPEN, patient=patient), RELEASE)
    assert result.readings == ()
    assert any(reason in why for why in result.withheld)


def test_it_never_stands_beside_an_answer_of_the_criteria() -> None:
    suspected = replace(OPEN, labs=labs((Analyte.TOTAL_TESTOSTERONE, 9.0, "nmol/L")))
    result = estimate(suspected, RELEASE)
    assert result.conclusion.status.value == "other_cause_suspected"
    assert result.readings == ()
    assert any("that answer stands" in why for why in result.withheld)


def test_an_empty_chart_gets_none() -> None:
    assert estimate(PatientChart(), RELEASE).readings == ()


def test_a_modern_probes_count_is_not_taken_for_the_tables() -> None:
    ovary = OvaryMeasurements(fnpo=FollicleNumberPerOvary(value=18, source=MeasurementSource.CHART))
    modern = Ultrasound(route=Route.TRANSVAGINAL, probe_mhz=9.0, left=ovary)
    result = estimate(replace(OPEN, ultrasound=modern), RELEASE)
    assert result.tier is Tier.QUESTIONNAIRE
    assert MODERN_COUNT in result.notes
    older = replace(modern, probe_mhz=5.0)
    assert estimate(replace(OPEN, ultrasound=older), RELEASE).tier is Tier.ULTRASOUND


def test_a_question_nobody_asks_and_a_contradiction_are_refused() -> None:
    with pytest.raises(InvalidInput, match="no such question"):
        estimate(OPEN, RELEASE, answers={"mood": True})
    with pytest.raises(InvalidInput, match="contradicts the chart"):
        estimate(OPEN, RELEASE, answers={"acne": False})


def test_the_command_puts_the_criteria_first(tmp_path: Path) -> None:
    chart = tmp_path / "chart.json"
    chart.write_text(
        json.dumps(
            {
                "schema": "deeppcos.chart/1",
                "patient": {"age_years": 29},
                "cycles": {"interval_days": 52},
                "body": {"height_cm": 160, "weight_kg": 76, "waist_cm": 92},
            }
        ),
        encoding="utf-8",
    )
    run = CliRunner().invoke(app, ["risk", "estimate", str(chart), "--answer", "weight_gain=yes"])
    assert run.exit_code == 0, run.output
    assert run.output.startswith("Criteria (guideline_2023): indeterminate. This stands.")
    assert "Research estimate" in run.output
    machine = CliRunner().invoke(app, ["risk", "estimate", str(chart), "--json"])
    assert json.loads(machine.output)["schema"] == "deeppcos.risk-estimate/1"


def test_a_withheld_estimate_says_why_and_exits_with_one(tmp_path: Path) -> None:
    chart = tmp_path / "chart.json"
    chart.write_text('{"patient": {"age_years": 15}}', encoding="utf-8")
    run = CliRunner().invoke(app, ["risk", "estimate", str(chart)])
    assert run.exit_code == 1
    assert "No estimate: adolescents" in run.output


def test_an_estimate_needs_no_learning_library() -> None:
    import subprocess
    import sys

    code = (
        "import sys\n"
        "from deeppcos.clinical.chart import PatientChart\n"
        "from deeppcos.learning.risk.estimate import estimate\n"
        "from deeppcos.learning.risk.release_file import load_release\n"
        "estimate(PatientChart(), load_release())\n"
        "print(*sorted({'sklearn', 'lightgbm', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert run.stdout.strip() == ""
