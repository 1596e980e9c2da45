"""The tables we know: which of their columns holds which feature, in which unit and code.

Owns one record a data set, with what its label means. Reading files is the business of
``table_file``; checking cells that of ``repair``; putting it together that of ``table``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from deeppcos.errors import InvalidInput

CM_PER_INCH = 2.54
YES_NO: Mapping[str, float | None] = {
    "1": 1.0,
    "0": 0.0,
    "yes": 1.0,
    "no": 0.0,
    "y": 1.0,
    "n": 0.0,
    "true": 1.0,
    "false": 0.0,
}
_HEADER_UNIT = re.compile(r"^(?P<name>.*?)\s*\((?P<unit>[^()]*)\)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a known table.

    Attributes:
        header: Its name as the table prints it, without the unit in brackets.
        feature: Feature or ingredient it holds.
        unit: Unit the header states in brackets; empty where the header states none.
        scale: What a number is multiplied with to be in the dictionary's unit.
        codes: What each coded cell means; None as a meaning is unknown. Empty: a plain number.
        meaning: What the column really is, where its name misleads.
    """

    header: str
    feature: str
    unit: str = ""
    scale: float = 1.0
    codes: Mapping[str, float | None] = field(default_factory=dict)
    meaning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One known kind of table.

    Attributes:
        name: Key.
        title: What it is, for people.
        label_header: Column of the label.
        label_meaning: What the label says, and who says so.
        identity: Columns that name a row; never a feature.
        columns: The columns that are read.
        left_out: Known columns that are not used, each with the reason.
    """

    name: str
    title: str
    label_header: str
    label_meaning: str
    identity: tuple[str, ...]
    columns: tuple[Column, ...]
    left_out: Mapping[str, str]


def _question(header: str, feature: str, *, unit: str = "Y/N") -> Column:
    """A question answered yes or no."""
    return Column(header=header, feature=feature, unit=unit, codes=YES_NO)


KERALA = Adapter(
    name="kerala_541",
    title="541 women of ten hospitals in Kerala",
    label_header="PCOS",
    label_meaning="PCOS as the treating hospitals recorded it; the criteria are not stated. "
    "Follicle counts nearly restate it, and only 10 of 177 positives reach 20 follicles in an "
    "ovary: 2003-era practice",
    identity=("Sl. No", "Patient File No."),
    columns=(
        Column(header="Age", unit="yrs", feature="age_years"),
        Column(header="Weight", unit="Kg", feature="weight_kg"),
        Column(header="Height", unit="Cm", feature="height_cm"),
        Column(
            header="Cycle",
            unit="R/I",
            feature="cycle_irregular",
            codes={"2": 0.0, "4": 1.0, "5": None},
            meaning="2 regular, 4 irregular, 5 is not explained by the source: unknown",
        ),
        Column(
            header="Cycle length",
            unit="days",
            feature="bleeding_days",
            meaning="days of bleeding (mean 4.9), never the interval between cycles",
        ),
        _question("Weight gain", "weight_gain"),
        _question("hair growth", "hair_growth"),
        _question("Skin darkening", "skin_darkening"),
        _question("Hair loss", "hair_loss"),
        _question("Pimples", "acne"),
        _question("Fast food", "fast_food"),
        _question("Reg.Exercise", "regular_exercise"),
        Column(header="Waist", unit="inch", feature="waist_cm", scale=CM_PER_INCH),
        Column(header="Hip", unit="inch", feature="hip_cm", scale=CM_PER_INCH),
        Column(header="BP _Systolic", unit="mmHg", feature="systolic_mmhg"),
        Column(header="BP _Diastolic", unit="mmHg", feature="diastolic_mmhg"),
        Column(header="Pulse rate", unit="bpm", feature="pulse_bpm"),
        Column(header="AMH", unit="ng/mL", feature="amh_ng_ml"),
        Column(header="LH", unit="mIU/mL", feature="lh_iu_l"),
        Column(header="FSH", unit="mIU/mL", feature="fsh_iu_l"),
        Column(header="TSH", unit="mIU/L", feature="tsh_miu_l"),
        Column(header="PRL", unit="ng/mL", feature="prolactin_ng_ml"),
        Column(header="PRG", unit="ng/mL", feature="progesterone_ng_ml"),
        Column(header="Vit D3", unit="ng/mL", feature="vitamin_d_ng_ml"),
        Column(
            header="RBS",
            unit="mg/dl",
            feature="random_glucose_mg_dl",
            meaning="random glucose: never read as a fasting value",
        ),
        Column(header="Hb", unit="g/dl", feature="haemoglobin_g_dl"),
        Column(
            header="Follicle No.",
            unit="L",
            feature="follicles_left",
            meaning="whether of one section or of the whole ovary is not stated",
        ),
        Column(header="Follicle No.", unit="R", feature="follicles_right"),
        Column(header="Avg. F size L", unit="mm", feature="mean_follicle_left_mm"),
        Column(header="Avg. F size R", unit="mm", feature="mean_follicle_right_mm"),
        Column(header="Endometrium", unit="mm", feature="endometrium_mm"),
    ),
    left_out={
        "BMI": "299 cells hold a spreadsheet error; always recomputed from weight and height",
        "FSH/LH": "spreadsheet errors; the ratio has no diagnostic role",
        "Waist:Hip Ratio": "spreadsheet errors; always recomputed",
        "Blood Group": "no medical reason to predict with it",
        "RR": "nearly constant",
        "Marraige Status": "social, not medical",
        "Pregnant": "a state that changes every hormone; shown as a subgroup only",
        "No. of aborptions": "an outcome, not a cause",
        "I beta-HCG": "pregnancy test",
        "II beta-HCG": "pregnancy test",
    },
)

SELF_REPORT = Adapter(
    name="self_report_465",
    title="465 women, online self-report",
    label_header="PCOS_Diagnosed",
    label_meaning="the woman says that she was told she has PCOS; no criteria, no physician",
    identity=(),
    columns=(
        Column(header="Age", feature="age_years"),
        Column(header="Weight", feature="weight_kg"),
        Column(header="Height", feature="height_cm"),
        Column(
            header="Regular_Periods",
            feature="cycle_irregular",
            codes={"1": 0.0, "0": 1.0, "yes": 0.0, "no": 1.0},
            meaning="turned round: irregular is the feature",
        ),
        Column(
            header="Period_Duration",
            feature="bleeding_days",
            meaning="days of bleeding, as in the 541-woman table",
        ),
        _question("Weight_Gain", "weight_gain", unit=""),
        _question("Facial_Hair", "hair_growth", unit=""),
        _question("Skin_Darkening", "skin_darkening", unit=""),
        _question("Hair_Loss", "hair_loss", unit=""),
        _question("Acne", "acne", unit=""),
        _question("Fast_Food", "fast_food", unit=""),
        _question("Exercise", "regular_exercise", unit=""),
    ),
    left_out={
        "Blood_Group": "no medical reason to predict with it",
        "Period_Cycle": "months between periods by its values, but the question is not stated",
        "Mood_Swings": "not in the 541-woman table",
    },
)

SURVEY_242 = Adapter(
    name="survey_242",
    title="242 women, survey sorted into two sheets by its authors",
    label_header="CLASS LABEL",
    label_meaning="sheet 'Unhealthy' or 'Healthy', assigned by the authors from self-report",
    identity=("ID",),
    columns=(
        Column(header="AGE", unit="IN YEARS", feature="age_years"),
        Column(header="WEIGHT", unit="IN KGS", feature="weight_kg"),
        Column(header="HEIGHT", unit="IN CMS", feature="height_cm"),
        Column(
            header="IN THE PAST COUPLE OF YEARS, HAS THERE EVER BEEN A TIME WHEN YOUR MENSTRUAL "
            "PERIOD WAS NOT REGULAR OR PREDICTABLE FOR MORE THAN A 3-MONTH WINDOW OF TIME?",
            feature="cycle_irregular",
            codes=YES_NO,
            meaning="ever in some years, not now: a wider question than in the 541-woman table",
        ),
        Column(
            header="HOW MANY AVERAGE DAYS DO YOU BLEED DURING A MONTH?",
            unit="IN DAYS",
            feature="bleeding_days",
        ),
    ),
    left_out={
        "HOW LONG DOES YOUR MENSTRUAL CYCLE LAST?": "answers from 3 to 100 days: read both as "
        "bleeding and as interval by those who answered",
        "HOW WOULD YOU CURRENTLY RATE YOUR ACNE": "a scale of 1 to 5 is no yes or no",
        "HOW OFTEN DO YOU USE A HAIR REMOVAL METHOD": "removing hair is not having excess hair",
        "HOW OFTEN DO YOU EXERCISE": "no stated frequency counts as regular",
    },
)

ADAPTERS: tuple[Adapter, ...] = (KERALA, SELF_REPORT, SURVEY_242)


def plain_header(text: str) -> str:
    """A header without case, repeated spaces and punctuation.

    Examples:
        >>> plain_header("  I   beta-HCG"), plain_header("Reg.Exercise")
        ('i beta hcg', 'reg exercise')
    """
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text.lower()).split())


def split_header(text: str) -> tuple[str, str]:
    """Name and unit of a header such as ``AMH(ng/mL)``; the unit is empty if none is stated.

    Examples:
        >>> split_header("AMH(ng/mL)"), split_header("Avg. F size (L) (mm)")
        (('AMH', 'ng/mL'), ('Avg. F size L', 'mm'))
    """
    match = _HEADER_UNIT.match(text.strip())
    if match is None:
        return text.strip(), ""
    name = re.sub(r"\s*\(([LR])\)", r" \1", match["name"]).strip()
    return name, match["unit"].strip()


def column_of(adapter: Adapter, header: str) -> Column | None:
    """The column of the adapter this header names, whatever unit it states, or None."""
    name, unit = split_header(header)
    same = [c for c in adapter.columns if plain_header(c.header) == plain_header(name)]
    exact = [c for c in same if plain_header(c.unit) == plain_header(unit)]
    if exact:
        return exact[0]
    # Left and right share a name, so a side that is not stated cannot be told.
    return same[0] if len(same) == 1 else None


def adapter_for(headers: list[str]) -> Adapter:
    """The known table these headers belong to.

    Args:
        headers: Header row of a table.

    Returns:
        The adapter that recognises most of its own columns.

    Raises:
        InvalidInput: If fewer than half of the columns of any known table are there.
    """
    best = max(ADAPTERS, key=lambda a: _recognised(a, headers) / len(a.columns))
    if _recognised(best, headers) * 2 >= len(best.columns):
        return best
    known = [c.header for c in best.columns]
    near = {h: get_close_matches(split_header(h)[0], known, n=1, cutoff=0.6) for h in headers}
    hints = "; ".join(f"{h!r} may be {found[0]!r}" for h, found in near.items() if found)
    ending = f": {hints}" if hints else ""
    raise InvalidInput(
        "the columns of this table are not those of any table known here",
        value=", ".join(repr(h) for h in headers[:12]) or "no headers",
        accepted="; ".join(f"{a.name} ({a.title})" for a in ADAPTERS),
        remedy=f"rename the columns as the data dictionary prints them{ending}",
    )


def _recognised(adapter: Adapter, headers: list[str]) -> int:
    """How many features of an adapter these headers hold."""
    found = (column_of(adapter, header) for header in headers)
    return len({column.feature for column in found if column is not None})


def nearest_column(adapter: Adapter, header: str) -> str:
    """The expected column an unknown header resembles, or empty; offered, never assumed."""
    known = {plain_header(c.header): c for c in adapter.columns}
    found = get_close_matches(plain_header(split_header(header)[0]), known, n=1, cutoff=0.75)
    return known[found[0]].header if found else ""
