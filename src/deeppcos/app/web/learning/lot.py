"""Which studies are read blind first: drawn by lot, once a study, before anybody has read it.

Owns the lot. It is a keyed hash of the study, so that nobody can foresee or change it, it is the
same at every look, and a larger share adds studies to those drawn before without losing one.
"""

from django.conf import settings

from deeppcos.app.web.learning.pseudonyms import Pseudonyms
from deeppcos.app.web.models import Study

DIGITS = 12


def is_drawn_blind(study: Study, names: Pseudonyms) -> bool:
    """Whether the lot says that a study is read blind first.

    Args:
        study: The study.
        names: Those of the installation, whose key draws.
    """
    return _lot(study, names) < float(settings.BLIND_SHARE)


def _lot(study: Study, names: Pseudonyms) -> float:
    """A number from 0 to 1 that is all a study's own."""
    return int(names.lot(study)[:DIGITS], 16) / float(16**DIGITS)
