"""The chart: everything known of one patient, any part of it unknown.

Owns the record that is assessed. Reading it from JSON is the business of
``deeppcos.records.chart_json``; measuring its pictures that of ``deeppcos.vision``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.ovary import SeenOvary, Ultrasound
from deeppcos.clinical.patient import Body, Cycles, Patient, Signs
from deeppcos.clinical.units import LabValue
from deeppcos.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientChart:
    """Everything known of one patient.

    Attributes:
        patient: Age, menarche, population, pregnancy, contraception.
        cycles: Menstrual history.
        signs: Signs of androgen excess.
        labs: Laboratory results, at most one of each analyte.
        body: Body measurements.
        ultrasound: The scan, as charted and as measured in pictures.

    Raises:
        InvalidInput: If an analyte occurs twice: which of two results counts is for the
            clinician to say.

    Examples:
        >>> chart = PatientChart(patient=Patient(age_years=27))
        >>> chart.lab(Analyte.TSH) is None
        True
    """

    patient: Patient = field(default_factory=Patient)
    cycles: Cycles = field(default_factory=Cycles)
    signs: Signs = field(default_factory=Signs)
    labs: tuple[LabValue, ...] = ()
    body: Body = field(default_factory=Body)
    ultrasound: Ultrasound = field(default_factory=Ultrasound)

    def __post_init__(self) -> None:
        seen: set[Analyte] = set()
        for lab in self.labs:
            if lab.analyte in seen:
                raise InvalidInput(
                    f"{lab.analyte} is given twice",
                    value=", ".join(str(x) for x in self.labs if x.analyte is lab.analyte),
                    accepted="one result of each analyte",
                    remedy="keep the result the assessment should rest on",
                )
            seen.add(lab.analyte)

    def lab(self, analyte: Analyte) -> LabValue | None:
        """The entry for an analyte, or None; its ``value`` may still be None."""
        return next((lab for lab in self.labs if lab.analyte is analyte), None)

    def measured(self, analyte: Analyte) -> LabValue | None:
        """The entry for an analyte if it has a value, else None."""
        lab = self.lab(analyte)
        return None if lab is None or lab.value is None else lab


def with_seen_ovaries(chart: PatientChart, ovaries: Iterable[SeenOvary]) -> PatientChart:
    """The chart with what DeepPCOS measured in the pictures beside what a person charted.

    Nothing charted is overwritten: where both answer the same question and disagree, the
    question stays open.

    Args:
        chart: The chart; not changed.
        ovaries: Ovaries as measured, replacing any measured before.

    Returns:
        A new chart.
    """
    return replace(chart, ultrasound=replace(chart.ultrasound, seen=tuple(ovaries)))
