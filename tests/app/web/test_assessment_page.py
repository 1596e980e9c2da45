import pytest
from django.test import Client

from deeppcos.app.web.models import AuditEvent, Study
from deeppcos.clinical.profiles import PROFILES


def page(client: Client, study: Study, query: str = "") -> str:
    answer = client.get(f"/studies/{study.pk}/assessment/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_shows_criteria_unknowns_severity_and_what_would_settle(
    clinician_client: Client, analysed_study: Study
) -> None:
    shown = page(clinician_client, analysed_study)
    for words in (
        "Ovulatory dysfunction",
        "What would settle this",
        "prolactin",
        "Severity by axis",
        "The axes are never summed.",
        "The guideline suggests considering",
        "2003 and 2023 side by side",
    ):
        assert words in shown
    assert AuditEvent.objects.filter(action="assessment.viewed").count() == 1


def test_nothing_says_diagnosed(clinician_client: Client, analysed_study: Study) -> None:
    for profile in PROFILES:
        shown = page(clinician_client, analysed_study, f"?profile={profile}").lower()
        assert "diagnosed" not in shown
        assert "diagnosis of pcos" not in shown


def test_another_profile_is_tried_without_changing_the_study(
    clinician_client: Client, analysed_study: Study
) -> None:
    page(clinician_client, analysed_study)
    before = analysed_study.assessments.count()
    shown = page(clinician_client, analysed_study, "?profile=nih_1990")
    assert "This is a trial" in shown
    assert analysed_study.assessments.count() == before
    analysed_study.refresh_from_db()
    assert analysed_study.profile == "guideline_2023"


def test_a_chosen_profile_makes_the_next_assessment(
    clinician_client: Client, analysed_study: Study
) -> None:
    clinician_client.post(
        f"/studies/{analysed_study.pk}/assessment/profile/", {"profile": "rotterdam_2003"}
    )
    page(clinician_client, analysed_study)
    newest = analysed_study.assessments.last()
    assert newest is not None
    assert newest.profile == "rotterdam_2003"


@pytest.mark.parametrize("profile", ["", "nonsense"])
def test_a_profile_nobody_knows_is_refused(
    clinician_client: Client, analysed_study: Study, profile: str
) -> None:
    answer = clinician_client.post(
        f"/studies/{analysed_study.pk}/assessment/profile/", {"profile": profile}
    )
    assert answer.status_code == 400


def test_a_study_that_was_not_read_says_so(clinician_client: Client, study: Study) -> None:
    assert "Nothing to assess yet" in page(clinician_client, study)
