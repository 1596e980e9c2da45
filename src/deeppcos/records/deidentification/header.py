"""A header without its patient: every element treated as ``actions`` says, the rest gone.

Owns carrying out the table on a data set and the sequences in it, and the attributes that say
what was done. The pixels are the business of ``pixels``; whether anything came through, of
``second_look``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID
from pydicom.valuerep import DSdecimal, DSfloat, format_number_as_ds

from deeppcos.errors import InvalidInput
from deeppcos.records.deidentification.actions import (
    ACTIONS,
    BASIC_PROFILE,
    CLEAN_PIXELS,
    DATE_BESIDE,
    METHOD,
    MODIFIED_DATES,
    PATIENT_CHARACTERISTICS,
    REMOVED,
    Action,
)
from deeppcos.records.deidentification.content_items import may_stay
from deeppcos.records.deidentification.dates import DateShift, date_in, time_in
from deeppcos.records.deidentification.key import DeidentificationKey
from deeppcos.records.deidentification.vocabulary import coded, maker, model, term
from deeppcos.records.dicom_header import as_number, text_of, value_of
from deeppcos.records.identifiers import PatientIdentifier

GROUPED_AGE_YEARS = 90
"""Ages of ninety and more are written as ninety: there are few enough to be recognised."""

EMPTY_WHEN_ABSENT = [
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "StudyDate",
    "StudyTime",
    "Manufacturer",
    "SeriesNumber",
    "InstanceNumber",
    "ImageType",
    "PatientOrientation",
]
"""Attributes an ultrasound image must have, if only empty."""

_OF_THE_WHOLE = frozenset({Action.PSEUDONYM, Action.EMPTY, Action.AGE})
"""Who the patient is stands once: an item of a sequence has no place for it."""

_NAMES = frozenset({"PersonName", "VerifyingObserverName"})
_AGE_UNITS = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}
_SAFE_UID_ROOT = "1.2.840.10008."


@dataclass(frozen=True, slots=True, kw_only=True)
class Disguise:
    """What the attributes of one image become.

    Attributes:
        key: The secret.
        patient: Whose image it is, under the number that stands for her now.
        shift: How the dates and times of its study move.
        table: What happens to each attribute.
    """

    key: DeidentificationKey
    patient: PatientIdentifier
    shift: DateShift
    table: Mapping[str, Action] = field(default_factory=lambda: ACTIONS)

    @property
    def pseudonym(self) -> str:
        """What stands for the patient's number."""
        return self.key.pseudonym(self.patient)

    @property
    def pseudonymous_name(self) -> str:
        """What stands for the name: a family name, as the person name type wants it."""
        return f"{self.pseudonym}^"


def patient_of(header: Dataset, *, default_issuer: str) -> PatientIdentifier:
    """Whose image this is; a study without a patient number counts as a patient of its own.

    Args:
        header: The data set.
        default_issuer: Who gave the number where the image does not say.

    Raises:
        InvalidInput: If the image names neither a patient nor a study.
    """
    number, study = text_of(header, "PatientID"), text_of(header, "StudyInstanceUID")
    if number:
        return PatientIdentifier(
            issuer=text_of(header, "IssuerOfPatientID") or default_issuer, value=number
        )
    if study:
        return PatientIdentifier(issuer="study without a patient number", value=study)
    raise InvalidInput(
        "the image names neither a patient nor a study",
        accepted="a Patient ID or a Study Instance UID",
        remedy="repair the file before it is de-identified",
    )


def disguise_of(
    header: Dataset, *, key: DeidentificationKey, patient: PatientIdentifier
) -> Disguise:
    """How the attributes of one image change.

    Args:
        header: The data set.
        key: The secret.
        patient: Whose image it is, merges followed.
    """
    return Disguise(
        key=key,
        patient=patient,
        shift=DateShift(
            days=key.shift_days(patient),
            study_date=date_in(text_of(header, "StudyDate") or ""),
            study_start=time_in(text_of(header, "StudyTime") or ""),
        ),
    )


def clean_header(header: Dataset, disguise: Disguise, *, pixels_are_clean: bool) -> Dataset:
    """A new header with only what the table keeps.

    Args:
        header: The original; not changed.
        disguise: What its attributes become.
        pixels_are_clean: Whether burned-in text was looked for and blanked.

    Returns:
        The header, without pixel data and without file meta information.
    """
    clean = cleaned_patient(header, disguise, empty_when_absent=EMPTY_WHEN_ABSENT)
    say_what_was_done(clean, *((CLEAN_PIXELS,) if pixels_are_clean else ()))
    clean.BurnedInAnnotation = "NO" if pixels_are_clean else "YES"
    return clean


def cleaned_patient(
    header: Dataset, disguise: Disguise, *, empty_when_absent: Iterable[str]
) -> Dataset:
    """What the table keeps of a data set, with the pseudonym and the age in place.

    Args:
        header: The original; not changed.
        disguise: What its attributes become.
        empty_when_absent: Attributes that must be there, if only empty.
    """
    clean = _cleaned(header, disguise)
    for keyword in empty_when_absent:
        if keyword not in clean:
            setattr(clean, keyword, None)
    if not clean.PatientName:
        clean.PatientID = disguise.pseudonym
        clean.PatientName = disguise.pseudonymous_name
    if not text_of(header, "PatientAge"):
        _fill_age(header, clean)
    return clean


def _cleaned(original: Dataset, disguise: Disguise, *, is_nested: bool = False) -> Dataset:
    clean = Dataset()
    for tag in original.keys():  # noqa: SIM118  a data set iterates elements, not tags
        keyword = "" if tag.is_private else keyword_for_tag(tag)
        action = disguise.table.get(keyword)
        if action is None or (is_nested and action in _OF_THE_WHOLE):
            continue
        value = _TREATMENTS[action](original, keyword, disguise)
        if value is not None:
            setattr(clean, keyword, value)
    return clean


def _number(original: Dataset, keyword: str, _: Disguise) -> Any:
    """Plain numbers, written anew: what is no number in full is dropped."""
    value = value_of(original, keyword)
    if value is None:
        return ""
    values = [value] if isinstance(value, str | int | float) else list(value)
    numbers = [as_number(one) for one in values]
    if any(number is None for number in numbers):
        return None
    return [_plain(one) for one in values] if len(values) > 1 else _plain(values[0])


def _plain(value: Any) -> int | float | str:
    """A number without whatever else its text may carry, such as padding and signs."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, DSfloat | DSdecimal | str):
        return format_number_as_ds(float(value))
    return float(value)


def _term(original: Dataset, keyword: str, _: Disguise) -> Any:
    value = value_of(original, keyword)
    values = [] if value is None else [value] if isinstance(value, str) else list(value)
    kept = [term(keyword, str(one)) for one in values]
    while kept and not kept[-1]:
        kept.pop()
    return kept if len(kept) > 1 else "".join(kept) or None


def _tags(original: Dataset, keyword: str, disguise: Disguise) -> Any:
    value = value_of(original, keyword)
    tags = [] if value is None else [value] if isinstance(value, int) else list(value)
    # A tag names an attribute of the table, or it could spell anything.
    known = [tag for tag in tags if keyword_for_tag(tag) in disguise.table]
    return (known if len(known) > 1 else known[0]) if known and known == tags else None


def _standard_uid(original: Dataset, keyword: str, _: Disguise) -> Any:
    uid = text_of(original, keyword) or ""
    return uid if uid in UID_dictionary else None


def _new_uid(original: Dataset, keyword: str, disguise: Disguise) -> Any:
    uid = text_of(original, keyword)
    if not uid:
        return None
    is_well_known = uid.startswith(_SAFE_UID_ROOT) and UID(uid) in UID_dictionary
    return uid if is_well_known else disguise.key.uid(uid)


def _moved_date(original: Dataset, keyword: str, disguise: Disguise) -> Any:
    return (
        disguise.shift.date(text_of(original, keyword) or "")
        if not _has_time(original, keyword)
        else _moment(original, keyword, keyword.removesuffix("Date") + "Time", disguise)[0]
    )


def _has_time(original: Dataset, keyword: str) -> bool:
    return bool(text_of(original, keyword.removesuffix("Date") + "Time"))


def _moved_time(original: Dataset, keyword: str, disguise: Disguise) -> Any:
    return _moment(original, DATE_BESIDE[keyword], keyword, disguise)[1]


def _moment(original: Dataset, date: str, time: str, disguise: Disguise) -> tuple[str, str]:
    return disguise.shift.moment(text_of(original, date) or "", text_of(original, time) or "")


def _moved_date_time(original: Dataset, keyword: str, disguise: Disguise) -> Any:
    return disguise.shift.date_time(text_of(original, keyword) or "") or None


def _age(original: Dataset, keyword: str, _: Disguise) -> Any:
    text = text_of(original, keyword) or ""
    number, unit = as_number(text[:-1]), text[-1:]
    if number is None or not number.is_integer() or unit not in _AGE_UNITS or number < 0:
        return None
    return _age_text(int(number), unit)


def _age_text(number: int, unit: str) -> str:
    years = number / _AGE_UNITS[unit]
    return f"{GROUPED_AGE_YEARS:03d}Y" if years >= GROUPED_AGE_YEARS else f"{number:03d}{unit}"


def _pseudonym(_: Dataset, keyword: str, disguise: Disguise) -> Any:
    return disguise.pseudonymous_name if keyword == "PatientName" else disguise.pseudonym


def _empty(_: Dataset, __: str, ___: Disguise) -> Any:
    return ""


def _dummy(_: Dataset, keyword: str, __: Disguise) -> Any:
    return f"{REMOVED}^" if keyword in _NAMES else REMOVED


def _content(original: Dataset, keyword: str, disguise: Disguise) -> Any:
    """The content items that may stay, each cleaned with those below it."""
    items = [
        _cleaned(item, disguise, is_nested=True)
        for item in _items(original, keyword)
        if may_stay(item)
    ]
    return Sequence(items) if items else None


def _maker(original: Dataset, keyword: str, _: Disguise) -> Any:
    return maker(text_of(original, keyword) or "")


def _model(original: Dataset, keyword: str, _: Disguise) -> Any:
    made_by = text_of(original, "Manufacturer") or ""
    return model(text_of(original, keyword) or "", made_by=made_by) or None


def _codes(original: Dataset, keyword: str, disguise: Disguise) -> Any:
    """Known concepts, with the coded modifiers inside them."""
    kept = []
    for item in _items(original, keyword):
        concept = coded(item)
        if concept is not None:
            for element in _cleaned_codes_within(item, disguise):
                concept.add(element)
            kept.append(concept)
    return Sequence(kept) if kept else None


def _cleaned_codes_within(item: Dataset, disguise: Disguise) -> Iterable[DataElement]:
    within = Dataset()
    for keyword in (one for one, action in disguise.table.items() if action is Action.CODES):
        value = _codes(item, keyword, disguise) if keyword in item else None
        if value is not None:
            setattr(within, keyword, value)
    return within


def _walk(original: Dataset, keyword: str, disguise: Disguise) -> Any:
    items = [_cleaned(item, disguise, is_nested=True) for item in _items(original, keyword)]
    return Sequence(items) if items else None


def _items(original: Dataset, keyword: str) -> list[Dataset]:
    value = value_of(original, keyword)
    return [one for one in value if isinstance(one, Dataset)] if isinstance(value, Sequence) else []


_TREATMENTS: dict[Action, Callable[[Dataset, str, Disguise], Any]] = {
    Action.NUMBER: _number,
    Action.TERM: _term,
    Action.TAGS: _tags,
    Action.STANDARD_UID: _standard_uid,
    Action.CODES: _codes,
    Action.WALK: _walk,
    Action.NEW_UID: _new_uid,
    Action.MOVED_DATE: _moved_date,
    Action.MOVED_TIME: _moved_time,
    Action.MOVED_DATE_TIME: _moved_date_time,
    Action.AGE: _age,
    Action.PSEUDONYM: _pseudonym,
    Action.EMPTY: _empty,
    Action.DUMMY: _dummy,
    Action.CONTENT: _content,
    Action.MAKER: _maker,
    Action.MODEL: _model,
}


def _fill_age(header: Dataset, clean: Dataset) -> None:
    """The age at the study from the birth date, which is removed: the chart needs the years."""
    born = date_in(text_of(header, "PatientBirthDate") or "")
    seen = date_in(text_of(header, "StudyDate") or "")
    if born is None or seen is None or seen < born:
        return
    years = seen.year - born.year - ((seen.month, seen.day) < (born.month, born.day))
    clean.PatientAge = _age_text(years, "Y")


def say_what_was_done(clean: Dataset, *cleaned: tuple[str, str]) -> None:
    """State the profile and its options.

    Args:
        clean: The cleaned data set.
        cleaned: Codes and words of the options that clean, besides those of every object.
    """
    clean.PatientIdentityRemoved = "YES"
    clean.DeidentificationMethod = METHOD
    options = (BASIC_PROFILE, *cleaned, MODIFIED_DATES, PATIENT_CHARACTERISTICS)
    clean.DeidentificationMethodCodeSequence = Sequence([_method(*option) for option in options])
    clean.LongitudinalTemporalInformationModified = "MODIFIED"


def _method(code: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "DCM", meaning
    return item
