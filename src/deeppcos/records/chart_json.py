"""Reads a chart from JSON: ``deeppcos.chart/1``, the public contract for clinical input.

Owns the border: strict types, no unknown keys, analytes or units, every problem named in one
line and all of them reported together. The keys stand in ``chart_document``; what the numbers
mean is the business of ``deeppcos.clinical``. JSON null means unknown, like an absent field.
"""

import json
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from deeppcos.clinical.analytes import Analyte
from deeppcos.clinical.chart import PatientChart
from deeppcos.clinical.ovary import (
    FollicleNumberPerOvary,
    FollicleNumberPerSection,
    MeasurementSource,
    OvarianVolume,
    OvaryMeasurements,
    Route,
    Ultrasound,
)
from deeppcos.clinical.patient import Body, Contraception, Cycles, Patient, Population, Signs
from deeppcos.clinical.units import LabValue
from deeppcos.errors import DeepPCOSError, InvalidInput
from deeppcos.records.chart_document import (
    SCHEMA_NAME,
    SECTIONS,
    ChartDocument,
    OvarySection,
    Section,
    UltrasoundSection,
)

LARGEST_BYTES = 1_000_000
"""A chart is a page; a larger file is something else."""

LONGEST_SHOWN = 80
"""Longer values and keys are cut in messages."""

T = TypeVar("T")


class ChartProblems(InvalidInput):
    """Everything that is wrong with one chart, one line each.

    Args:
        source: File the chart came from.
        problems: The problems in the order of the document; at least one.
    """

    def __init__(self, source: str, problems: tuple[InvalidInput, ...]) -> None:
        first = problems[0]
        super().__init__(
            first.what, value=first.value, accepted=first.accepted, remedy=first.remedy
        )
        self.source = source
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(f"{self.source}: {problem}" for problem in self.problems)


def read_chart(source: Path | str) -> PatientChart:
    """The chart from a file, or from JSON text itself.

    Args:
        source: Path of a JSON file, or text whose first character other than space is ``{``.

    Returns:
        The chart; what was absent or null is unknown.

    Raises:
        InvalidInput: If it cannot be read, is no JSON, or breaks the contract. For a chart
            that was read it is a ``ChartProblems``, whose text has one line for each problem.
    """
    if isinstance(source, str) and source.lstrip().startswith("{"):
        return chart_from_text(source)
    path = Path(source)
    return chart_from_text(_text_of(path), source=path.name)


def _text_of(path: Path) -> str:
    """The text of a file of plausible size."""
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise InvalidInput(
                f"{path.name} is too large for a chart",
                value=f"{size:,} bytes",
                accepted=f"up to {LARGEST_BYTES:,} bytes",
                remedy="give one patient's chart",
            )
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InvalidInput(
            f"{path.name} cannot be read",
            value=error.strerror or type(error).__name__,
            accepted=f"a {SCHEMA_NAME} file",
            remedy="check the path",
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{path.name} is not UTF-8 text",
            value=f"byte {error.start}",
            accepted=f"a {SCHEMA_NAME} file in UTF-8",
            remedy="save it as UTF-8",
        ) from error


def chart_from_text(text: str, *, source: str = "chart") -> PatientChart:
    """The chart from JSON text.

    Args:
        text: The JSON document.
        source: Name for messages.

    Raises:
        ChartProblems: With one line for each problem.
    """
    content = _decoded(text, source)
    try:
        document = ChartDocument.model_validate(content)
    except ValidationError as error:
        problems = tuple(_explained(detail, content) for detail in error.errors(include_url=False))
        raise ChartProblems(source, problems) from error
    return _chart(document, source)


def kept_chart(content: Mapping[str, Any]) -> PatientChart | None:
    """A chart as it was stored; None where it is empty, or an old one can no longer be read.

    Args:
        content: The chart as plain values.

    Returns:
        The chart, or None.
    """
    try:
        return chart_from_text(json.dumps(content)) if content else None
    except DeepPCOSError:
        return None


def _decoded(text: str, source: str) -> Any:
    """JSON without repeated keys, NaN or infinity."""
    try:
        return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
    except InvalidInput as error:
        raise ChartProblems(source, (error,)) from error
    except (ValueError, RecursionError) as error:
        where = (
            f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
        )
        problem = InvalidInput(
            "not JSON",
            value=where or str(error)[:LONGEST_SHOWN],
            accepted=f"a {SCHEMA_NAME} document",
            remedy="check commas, quotes and brackets there",
        )
        raise ChartProblems(source, (problem,)) from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object, refused if a key occurs twice: JSON would silently keep the last."""
    content: dict[str, Any] = {}
    for key, value in pairs:
        if key in content:
            raise InvalidInput(
                f"key {key!r} is given twice",
                accepted="every key once in an object",
                remedy="keep the value that is meant",
            )
        content[key] = value
    return content


def _refuse_constant(name: str) -> None:
    """NaN and infinity are no JSON and no measurement."""
    raise InvalidInput(
        f"{name} is not a number a chart can hold",
        accepted="a finite number, or null for unknown",
        remedy="write null where the value is not known",
    )


def _explained(detail: Any, content: Any) -> InvalidInput:
    """One validation problem in the four parts of a message."""
    where = _place(detail["loc"])
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown_key(detail["loc"], content)
    if kind == "missing":
        return InvalidInput(
            f"{where} is missing", accepted=_accepted(detail["loc"]), remedy="add it"
        )
    options = _options(detail)
    close = get_close_matches(str(detail["input"]), options, n=1)
    what = f"{where} is not known" if options else f"{where} has the wrong type"
    return InvalidInput(
        what,
        value=repr(detail["input"])[:LONGEST_SHOWN],
        accepted=", ".join(options) or _TYPE_WORDS.get(kind, detail["msg"]),
        remedy=f"did you mean {close[0]}?" if close else "correct it, or leave it out if unknown",
    )


_TYPE_WORDS = {
    "float_type": "a number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "list_type": "a list in square brackets",
    "model_type": "an object in curly brackets",
    "finite_number": "a finite number",
}


def _options(detail: Any) -> list[str]:
    """The names that would have been accepted, where there is a list of them."""
    if detail["type"] == "literal_error":
        return [SCHEMA_NAME]
    if detail["type"] != "enum":
        return []
    enums = {"analyte": Analyte, "route": Route, "population": Population}
    options = enums.get(str(detail["loc"][-1]), Contraception)
    return [str(member.value) for member in options]


def _place(loc: tuple[int | str, ...]) -> str:
    """``labs[0].unit`` from the place pydantic reports."""
    words = ""
    for step in (_printable(step) for step in loc):
        words += f"[{step}]" if isinstance(step, int) else f"{'.' if words else ''}{step}"
    return words or "the document"


def _printable(step: int | str) -> int | str:
    """A key as it may stand in one line of a message."""
    if isinstance(step, int) or (step.isprintable() and len(step) <= LONGEST_SHOWN):
        return step
    return repr(step)[:LONGEST_SHOWN]


def _accepted(loc: tuple[int | str, ...]) -> str:
    """What a missing field would hold."""
    if loc == ("schema",):
        return f'"schema": "{SCHEMA_NAME}"'
    return {"analyte": "an analyte name", "unit": "the unit of value and upper_limit"}.get(
        str(loc[-1]), "a value"
    )


def _unknown_key(loc: tuple[int | str, ...], content: Any) -> InvalidInput:
    """An unknown key with the keys of its section and the closest of them."""
    *path, key = loc
    accepted = _keys_at(tuple(path))
    close = get_close_matches(str(key), accepted, n=1)
    return InvalidInput(
        f"unknown key {_place(loc)}",
        accepted=", ".join(accepted),
        remedy=f"did you mean {close[0]}?" if close else "remove it",
    )


def _keys_at(path: tuple[int | str, ...]) -> list[str]:
    """The keys a section accepts."""
    section = SECTIONS[tuple(step for step in path if isinstance(step, str))]
    return [field.alias or name for name, field in section.model_fields.items()]


class _Problems:
    """Collects what is wrong, so that all of it is reported together."""

    def __init__(self) -> None:
        self.found: list[InvalidInput] = []

    def built(self, make: Callable[[], T], *, otherwise: T, place: str = "") -> T:
        """What ``make`` makes, or the stand-in and one more problem, named by its place."""
        try:
            return make()
        except InvalidInput as error:
            error.what = place + error.what
            self.found.append(error)
            return otherwise


def _chart(document: ChartDocument, source: str) -> PatientChart:
    """The clinical record, with the problems of all its sections reported together."""
    problems = _Problems()
    patient = problems.built(partial(Patient, **_given(document.patient)), otherwise=Patient())
    cycles = problems.built(partial(Cycles, **_given(document.cycles)), otherwise=Cycles())
    signs = problems.built(partial(Signs, **_given(document.signs)), otherwise=Signs())
    body = problems.built(partial(Body, **_given(document.body)), otherwise=Body())
    labs = [
        problems.built(partial(LabValue, **_given(lab, keep=("value",))), otherwise=None)
        for lab in document.labs or ()
    ]
    scan = _ultrasound(document.ultrasound or UltrasoundSection(), problems)
    chart = problems.built(
        partial(
            PatientChart,
            patient=patient,
            cycles=cycles,
            signs=signs,
            labs=tuple(lab for lab in labs if lab is not None),
            body=body,
            ultrasound=scan,
        ),
        otherwise=PatientChart(),
    )
    if problems.found:
        raise ChartProblems(source, tuple(problems.found))
    return chart


def _given(section: Section | None, keep: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of a section that are known, and those to keep even if unknown."""
    if section is None:
        return {}
    fields = dict(section)
    return {name: v for name, v in fields.items() if v is not None or name in keep}


def _ultrasound(section: UltrasoundSection, problems: _Problems) -> Ultrasound:
    """The scan as charted."""
    return problems.built(
        partial(
            Ultrasound,
            route=section.route,
            probe_mhz=section.probe_mhz,
            left=_ovary("left", section.left or OvarySection(), problems),
            right=_ovary("right", section.right or OvarySection(), problems),
        ),
        otherwise=Ultrasound(),
    )


def _ovary(side: str, section: OvarySection, problems: _Problems) -> OvaryMeasurements:
    """One ovary as charted."""
    by_hand = MeasurementSource.CHART
    place = f"ultrasound.{side}."
    fnpo, fnps, ml = section.fnpo, section.fnps, section.volume_ml
    return OvaryMeasurements(
        fnpo=None
        if fnpo is None
        else problems.built(
            lambda: FollicleNumberPerOvary(value=fnpo, source=by_hand), otherwise=None, place=place
        ),
        fnps=None
        if fnps is None
        else problems.built(
            lambda: FollicleNumberPerSection(value=fnps, source=by_hand),
            otherwise=None,
            place=place,
        ),
        volume=None
        if ml is None
        else problems.built(
            lambda: OvarianVolume(ml=ml, source=by_hand), otherwise=None, place=place
        ),
        dominant_follicle_or_corpus_luteum=section.dominant_follicle_or_corpus_luteum,
    )
