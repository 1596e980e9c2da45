"""Every sentence a patient reads, short and plain, through Django's translations.

Owns the words alone. To change one, change it here and in every ``locale/*/LC_MESSAGES`` file,
then run ``scripts/compile_translations.py``; a test measures reading grade and completeness.
The sentence of the conclusion is the clinical room's (``clinical.wording``), translated here.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from deeppcos.app.desk.patient_view import CountKind, Feature, OvaryFacts, PatientView, Seen
from deeppcos.clinical.criteria import Status
from deeppcos.clinical.wording import PATIENT_SENTENCES, condition_name

TITLE = _("Your ultrasound, explained")
TITLE_WITHOUT_PICTURES = _("Your result, explained")
RESEARCH = _(
    "This page was made with research software. It is not a diagnosis. A clinician checked the "
    "result and signed it."
)
SIGNED = _("Signed by %(name)s on %(date)s, %(site)s.")
PRINT = _("Print this page")
LANGUAGE = _("Language")
EXPIRES = _("This link works until %(date)s.")

PICTURE_TITLE = _("A picture of your ovary")
PICTURE_CAPTION = _(
    "This is one picture from your own scan. The blue line shows the ovary. The yellow rings show "
    "the follicles."
)
PICTURE_ALT = _("Ultrasound picture of an ovary with %(count)s follicles marked")
FOLLICLES = (
    _("The small dark circles in the picture are follicles."),
    _("A follicle is a tiny pouch of fluid. Each one holds an egg."),
    _("All people with ovaries have follicles. Having many is common."),
    _("Many follicles are not a disease, and they do no harm."),
)

SEEN_TITLE = _("What we saw")
SIDES = {
    "left": _("Left ovary"),
    "right": _("Right ovary"),
    "unknown": _("Ovary (side not noted)"),
}
VOLUME = _("Its size is about %(volume)s millilitres.")
NOTHING_COUNTED = _("The follicles could not be counted in these pictures.")
NOTHING_MEASURED = _(
    "The pictures did not let us count or measure. That happens, and it says nothing about you."
)
NO_PICTURES = _(
    "No pictures were looked at this time. The result rests on what you told us and on your tests."
)

MEANS_TITLE = _("What the result says")
FEATURES_INTRO = _("To answer the question, three things are looked at together:")
FEATURES = {
    Feature.CYCLES: _("How regular your periods are"),
    Feature.ANDROGENS: _("Signs of higher androgens (a group of hormones that all people have)"),
    Feature.OVARIES: _("How your ovaries look, or a blood test for them"),
}
SEEN = {
    Seen.YES: _("seen"),
    Seen.NO: _("not seen"),
    Seen.NOT_KNOWN: _("not known yet"),
}
STILL_MISSING = _("Some tests are still missing. Your clinician will tell you which ones.")
TWO_NAMES = _(
    "You may hear two names, PCOS and PMOS. They mean the same thing. PMOS is the new name."
)
OPEN_IS_FINE = _("“Not known yet” does not mean that something is wrong.")

NOT_TITLE = _("What it does not say")
NOT_SAID = (
    _("It is not your fault. Nothing you did or ate caused it."),
    _("It does not tell if you can have children. A picture cannot show that."),
    _("It does not show how you feel. How you feel matters. Please speak about it."),
    _("It does not replace a talk with your clinician."),
)

ASK_TITLE = _("Questions you can ask")
QUESTIONS = (
    _("What does this result mean for me?"),
    _("Are more tests needed? Which ones, and why?"),
    _("What can I do that helps me feel well?"),
    _("What are my choices, and what if I wait?"),
    _("What should I know if I want children, now or later?"),
    _("When do we look at this again?"),
)
SOON_TITLE = _("When to call sooner")
SOON = _(
    "Call your clinic if you have strong pain or very heavy bleeding, or if you may be pregnant."
)

VOID_TITLE = _("This link no longer works")
VOID = _(
    "It has run out, was taken back, or the report has changed. Ask your clinic for a new link."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OvaryWords:
    """What is said of one ovary."""

    side: str | Promise
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureWords:
    """One feature, how it stands, and the key of its picture."""

    name: str | Promise
    seen: str | Promise
    key: str


def conclusion_sentence(view: PatientView, name: str) -> str:
    """The one sentence about the conclusion, in the language that is active.

    Args:
        view: What is told.
        name: Setting of the condition's name: ``pcos``, ``pmos`` or ``both``.
    """
    sentence = gettext(PATIENT_SENTENCES[Status(view.status)])
    return sentence.format(name=_name_in_words(name))


def _name_in_words(setting: str) -> str:
    """The condition's name; the doubled one is translated."""
    return gettext(condition_name(setting))


def features(view: PatientView) -> tuple[FeatureWords, ...]:
    """The three features in words."""
    return tuple(
        FeatureWords(name=FEATURES[feature], seen=SEEN[seen], key=seen.value)
        for feature, seen in view.features
    )


def ovaries(view: PatientView) -> tuple[OvaryWords, ...]:
    """What was seen of each ovary in words."""
    return tuple(
        OvaryWords(side=SIDES[facts.side], sentences=_sentences(facts)) for facts in view.ovaries
    )


def _sentences(facts: OvaryFacts) -> tuple[str, ...]:
    """Count and size of one ovary."""
    said = [_count_sentence(facts)]
    if facts.volume_ml is not None:
        said.append(str(VOLUME) % {"volume": f"{facts.volume_ml:.0f}"})
    return tuple(said)


def _count_sentence(facts: OvaryFacts) -> str:
    """How many follicles, named for what they were counted in."""
    count = facts.follicle_count
    if count is None:
        return str(NOTHING_COUNTED)
    if facts.counted_in is CountKind.OVARY:
        said = ngettext(
            "%(count)s follicle was counted in the whole ovary.",
            "%(count)s follicles were counted in the whole ovary.",
            count,
        )
    elif facts.counted_in is CountKind.SWEEP:
        said = ngettext(
            "About %(count)s follicle was found in a moving picture. This is an estimate.",
            "About %(count)s follicles were found in a moving picture. This is an estimate.",
            count,
        )
    else:
        said = ngettext(
            "%(count)s follicle was counted in one picture. The whole ovary can hold more.",
            "%(count)s follicles were counted in one picture. The whole ovary can hold more.",
            count,
        )
    return said % {"count": count}
