"""What a file says beside what the chart holds: what fits, and what somebody must choose.

Owns finding the fields that have more than one answer. Which laboratory result would count, and
why, is the rule of ``deeppcos.records.lab_choice``: the latest up to the day of the study. It
only suggests here: no result is dropped before somebody has seen it beside the others.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from deeppcos.app.desk.chart_fields import FIELDS, LAB_PARTS, lab_name, unit_label
from deeppcos.app.desk.chart_form import number_of
from deeppcos.app.desk.chart_import import GivenChart, GivenLab
from deeppcos.clinical.analytes import ANALYTES, Analyte
from deeppcos.errors import InvalidInput
from deeppcos.records.lab_choice import FoundLab, choose, found_lab

IN_THE_CHART = "in the chart now"
IN_THE_FILE = "in the file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One answer to a field.

    Attributes:
        words: The answer as it is shown.
        origin: Where it stands.
        day: The day it was drawn; None where that is not known.
        is_suggested: Whether the rule takes it.
        why: What the rule says of it; empty where it says nothing.
        typed: Text of the form's fields it fills in.
    """

    words: str
    origin: str
    day: dt.date | None = None
    is_suggested: bool = False
    why: str = ""
    typed: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One field with more than one answer.

    Attributes:
        name: Name of the field.
        label: Its words.
        options: Its answers; at least two.
        rule: What the rule says of all of them.
    """

    name: str
    label: str
    options: tuple[Option, ...]
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledIn:
    """The form as far as it fills itself in, and what somebody must choose.

    Attributes:
        typed: Text of every field; a field to choose holds what the chart holds now.
        choices: What somebody must choose.
    """

    typed: dict[str, str]
    choices: tuple[Choice, ...]


def filled_in(
    standing: Mapping[str, str], given: GivenChart, *, study_day: dt.date | None
) -> FilledIn:
    """Join a file with the chart.

    Args:
        standing: The form as the chart fills it in now.
        given: What the file says.
        study_day: Day of the study; None where it is not known.
    """
    typed = dict(standing)
    choices: list[Choice] = []
    for path, text in given.typed.items():
        here = standing.get(path, "")
        if not text or _same(here, text):
            continue
        if here:
            choices.append(_field_choice(path, here, text))
        else:
            typed[path] = text
    for analyte, results in given.labs.items():
        answers = _answers(analyte, standing, results)
        if len(answers) == 1:
            typed.update(_typed(analyte, answers[0]))
        elif answers:
            choices.append(_lab_choice(analyte, answers, study_day))
    return FilledIn(typed=typed, choices=tuple(choices))


def _same(here: str, text: str) -> bool:
    """Whether two texts say the same; 165 is 165.0."""
    if here.casefold() == text.casefold():
        return True
    try:
        return number_of(here) == number_of(text)
    except InvalidInput:
        return False


def _field_choice(path: str, here: str, text: str) -> Choice:
    field = FIELDS[path]
    words = dict(field.choices)
    shown = [f"{words.get(one, one)} {field.unit}".strip() for one in (here, text)]
    return Choice(
        name=path,
        label=field.label,
        rule="",
        options=(
            Option(words=shown[0], origin=IN_THE_CHART, typed={path: here}),
            Option(words=shown[1], origin=IN_THE_FILE, typed={path: text}),
        ),
    )


def _answers(
    analyte: Analyte, standing: Mapping[str, str], results: Sequence[GivenLab]
) -> list[GivenLab]:
    """The results that say something of their own, the chart's first."""
    here = {part: standing.get(lab_name(analyte, part), "") for part in LAB_PARTS}
    every = [GivenLab(parts=here, day=None, place=IN_THE_CHART)] if here["value"] else []
    every += [one for one in results if one.parts["value"]]
    answers: list[GivenLab] = []
    for one in every:
        twin = next((n for n, other in enumerate(answers) if _agree(analyte, one, other)), None)
        if twin is None:
            answers.append(one)
        else:
            answers[twin] = _joined(answers[twin], one)
    return answers


def _agree(analyte: Analyte, one: GivenLab, other: GivenLab) -> bool:
    """Whether two results are one: the same number, day, limit and method, as far as stated."""
    if one.day and other.day and one.day != other.day:
        return False
    for part in ("upper_limit", "assay"):
        if len({lab.parts[part].casefold() for lab in (one, other)} - {""}) > 1:
            return False
    found = [_found(analyte, replace(lab, day=None)) for lab in (one, other)]
    known = [lab for lab in found if lab is not None]
    return len(known) == 2 and not choose(known, study_day=None).questions


def _joined(one: GivenLab, other: GivenLab) -> GivenLab:
    """One result that was given twice: what either of them leaves out is taken from the other."""
    is_same_unit = one.parts["unit"] == other.parts["unit"]
    parts = {
        part: one.parts[part] or (other.parts[part] if is_same_unit or part == "assay" else "")
        for part in LAB_PARTS
    }
    return replace(one, parts=parts, day=one.day or other.day)


def _lab_choice(analyte: Analyte, answers: Sequence[GivenLab], study_day: dt.date | None) -> Choice:
    found = [_found(analyte, one) for one in answers]
    chosen, whys, rule = _by_rule([one for one in found if one is not None], study_day)
    if None in found:
        chosen, rule = None, "one of these cannot be compared: its number or unit is not usable"
    options = tuple(
        Option(
            words=_words(analyte, one),
            origin=one.place,
            day=one.day,
            is_suggested=lab is not None and lab is chosen,
            why=whys.get(one.place, ""),
            typed=_typed(analyte, one),
        )
        for one, lab in zip(answers, found, strict=True)
    )
    return Choice(name=lab_name(analyte, "value"), label=analyte.label, options=options, rule=rule)


def _by_rule(
    found: list[FoundLab], study_day: dt.date | None
) -> tuple[FoundLab | None, dict[str, str], str]:
    """The result the rule takes, why it passes over each other one, and the rule in words."""
    choice = choose(found, study_day=study_day)
    passed = {
        one.origin: said.removeprefix(f"{one}: ")
        for one in found
        for said in choice.others
        if said.startswith(f"{one}: ")
    }
    if not choice.chosen:
        why = (
            "all were drawn after the study"
            if not choice.questions
            else "nothing says which of these is the latest"
        )
        return None, passed, f"No result is suggested: {why}."
    up_to = f" up to the day of the study, {study_day:%d %b %Y}" if study_day else ""
    return choice.chosen[0], passed, f"Suggested: the latest{up_to}."


def _found(analyte: Analyte, one: GivenLab) -> FoundLab | None:
    """The result as the rule takes it; None where number or unit cannot be used."""
    at = None if one.day is None else dt.datetime.combine(one.day, dt.time(), dt.UTC)
    try:
        return found_lab(
            analyte,
            number_of(one.parts["value"]),
            one.parts["unit"] or ANALYTES[analyte].units[0],
            at=(at, False),
            origin=one.place,
        )
    except InvalidInput:
        return None


def _words(analyte: Analyte, one: GivenLab) -> str:
    """A result as it is shown."""
    unit = unit_label(one.parts["unit"] or ANALYTES[analyte].units[0])
    limit = one.parts["upper_limit"]
    return f"{one.parts['value']} {unit}" + (f", limit {limit}" if limit else "")


def _typed(analyte: Analyte, one: GivenLab) -> dict[str, str]:
    return {lab_name(analyte, part): one.parts[part] for part in LAB_PARTS}
