"""Choosing the criteria profile a study is assessed by.

Owns the change and its event in the audit trail. What a profile says is the business of
``deeppcos.clinical.profiles``.
"""

from django.db import transaction

from deeppcos.app.web import audit
from deeppcos.app.web.models import Study, User
from deeppcos.app.web.studies.charting import OPEN_FOR_CHARTS
from deeppcos.clinical.profiles import CriteriaProfile, profile_named
from deeppcos.errors import InvalidInput


def choose_profile(study: Study, name: str, *, by: User) -> CriteriaProfile:
    """Assess a study by another profile from now on.

    Args:
        study: The study.
        name: Key of the profile.
        by: Who chooses.

    Returns:
        The profile.

    Raises:
        InvalidInput: If the study is signed, or there is no such profile.
    """
    profile = profile_named(name)
    with transaction.atomic():
        now = Study.objects.select_for_update().get(pk=study.pk)
        if now.state not in OPEN_FOR_CHARTS:
            raise InvalidInput("this study is signed", remedy="begin an amendment first")
        audit.record(
            "study.profile_chosen",
            actor=by,
            study=now,
            detail={"was": now.profile, "now": profile.key},
        )
        now.profile = profile.key
        now.version += 1
        now.save(update_fields=["profile", "version", "updated_at"])
    return profile
