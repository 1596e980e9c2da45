"""Who is who in what leaves for training: names that stay the same and lead nowhere.

Owns the pseudonyms of readers, studies and patients: keyed hashes (HMAC-SHA-256) under the key of
the data folder, which never leaves with them. One installation has one patient record a woman and
site; women of two sites are joined only where the hospital joined their records.
"""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from deeppcos.app.web.models import Patient, Study, User
from deeppcos.learning.feedback.agreement import ADJUDICATOR
from deeppcos.records.deidentification.key import DeidentificationKey, key_at

KEY_FILE = "deidentification.key"
LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Pseudonyms:
    """Pseudonyms under one key.

    Attributes:
        key: The secret of the installation.
    """

    key: DeidentificationKey

    def reader(self, user: User, *, is_adjudicator: bool = False) -> str:
        """A reader; somebody who saw the other readings is named apart."""
        start = ADJUDICATOR if is_adjudicator else "reader-"
        return start + self._of("reader", user.pk)

    def study(self, study: Study) -> str:
        """A study."""
        return "study-" + self._of("study", study.pk)

    def patient(self, patient: Patient) -> str:
        """A woman, the same for all her studies."""
        return "patient-" + self._of("patient", patient.pk)

    def picture(self, image_id: object) -> str:
        """A file of a study."""
        return "picture-" + self._of("picture", image_id)

    def lot(self, study: Study) -> str:
        """Hexadecimal digits nobody without the key can foresee, for drawing lots."""
        return self.key.name_of_content(f"learning lot {study.pk}")

    def _of(self, what: str, key: object) -> str:
        return self.key.name_of_content(f"learning {what} {key}")[:LENGTH]


def pseudonyms() -> Pseudonyms:
    """Those of this installation; the key is made with the first of them."""
    return Pseudonyms(key=key_at(Path(settings.DEEPPCOS_HOME) / KEY_FILE))
