"""Names and words shown to people: the condition's name and sentences for patients.

Owns wording only. The condition was renamed in May 2026 (polyendocrine metabolic ovarian
syndrome, PMOS; N1, verification V2); which name is shown is one setting, codes do not change.
"""

from enum import StrEnum

from deeppcos.clinical.criteria import Status


class ConditionName(StrEnum):
    """The setting: which name of the condition is shown."""

    PCOS = "pcos"
    PMOS = "pmos"
    BOTH = "both"


CONDITION_NAMES = {
    ConditionName.PCOS: "PCOS",
    ConditionName.PMOS: "PMOS",
    ConditionName.BOTH: "PCOS (now PMOS)",
}

RESEARCH_NOTICE = (
    "Research use. This organises evidence against published criteria; it is not a diagnosis."
)

PATIENT_SENTENCES = {
    Status.CRITERIA_MET: (
        "The information in your record fits the published criteria for {name}. Your clinician "
        "will tell you what this means for you."
    ),
    Status.CRITERIA_NOT_MET: (
        "The information in your record does not fit the published criteria for {name}."
    ),
    Status.INCREASED_RISK_ADOLESCENT: (
        "Some features are there, and while the body is still maturing it is too early to say "
        "more. It is usual to look again in a few years."
    ),
    Status.INDETERMINATE: ("Some information is still missing, so the question of {name} is open."),
    Status.EXCLUSION_INCOMPLETE: (
        "Some features of {name} are there. A few tests for other causes are still missing."
    ),
    Status.OTHER_CAUSE_SUSPECTED: (
        "One result should be looked at first, before the question of {name}. Your clinician "
        "will explain it."
    ),
}

PATIENT_MORPHOLOGY = (
    "The small dark circles in an ultrasound of the ovary are follicles: each holds an egg. "
    "Having many of them is common and is not a disease in itself."
)


def condition_name(setting: ConditionName | str = ConditionName.BOTH) -> str:
    """The condition's name as the setting wants it shown.

    Examples:
        >>> condition_name("both")
        'PCOS (now PMOS)'
    """
    return CONDITION_NAMES[ConditionName(setting)]


def patient_sentence(status: Status, setting: ConditionName | str = ConditionName.BOTH) -> str:
    """One plain sentence for the patient about the conclusion."""
    return PATIENT_SENTENCES[status].format(name=condition_name(setting))
