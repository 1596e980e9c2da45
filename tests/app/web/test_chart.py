import json
from typing import Any

import pytest
from django.test import Client

from deeppcos.app.desk.chart_form import typed_form
from deeppcos.app.web.models import AuditEvent, Study, StudyState, User


def filled(study: Study, **changes: str) -> dict[str, Any]:
    """The form as somebody was given it, with changes typed in."""
    study.refresh_from_db()
    before = typed_form(study.chart)
    names = {name.replace("__", "."): text for name, text in changes.items()}
    return before | names | {"version": study.version, "before": json.dumps(before)}


def save(client: Client, study: Study, form: dict[str, Any]) -> Any:
    return client.post(f"/studies/{study.pk}/chart/", form)


def chart_of(study: Study) -> dict[str, Any]:
    study.refresh_from_db()
    return dict(study.chart)


def test_every_field_stands_beside_its_unit(clinician_client: Client, study: Study) -> None:
    page = clinician_client.get(f"/studies/{study.pk}/chart/").content.decode()
    assert 'name="body.waist_cm" value="89"' in page
    for unit in ("years", "kg", "mmHg", "follicles", "mIU/L", "µg/dL"):
        assert unit in page


def test_a_saved_chart_is_assessed_anew(clinician_client: Client, analysed_study: Study) -> None:
    answer = save(clinician_client, analysed_study, filled(analysed_study, body__waist_cm="101"))
    assert answer.status_code == 302
    assert chart_of(analysed_study)["body"]["waist_cm"] == 101
    assert analysed_study.state == StudyState.IN_REVIEW
    page = clinician_client.get(f"/studies/{analysed_study.pk}/assessment/").content.decode()
    assert "Waist 101 cm" in page
    assert analysed_study.assessments.count() == 2
    clinician_client.get(f"/studies/{analysed_study.pk}/assessment/")
    assert analysed_study.assessments.count() == 2
    saved = AuditEvent.objects.get(action="study.chart_saved")
    assert saved.detail == {"fields": ["body.waist_cm"]}


def test_what_is_implausible_is_asked_back_with_everything_kept(
    clinician_client: Client, study: Study
) -> None:
    answer = save(
        clinician_client, study, filled(study, body__height_cm="1.65", cycles__interval_days="70")
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "You wrote 1.65 cm; usual is 100 to 230 cm." in page
    assert 'value="70"' in page
    assert chart_of(study)["body"]["height_cm"] == 165


def test_a_field_is_asked_about_as_soon_as_it_is_left(
    clinician_client: Client, study: Study
) -> None:
    answer = clinician_client.post(
        f"/studies/{study.pk}/chart/question/",
        {"labs.tsh.value": "19000", "labs.tsh.unit": "m[IU]/L"},
        headers={"HX-Request": "true", "HX-Trigger-Name": "labs.tsh.unit"},
    )
    assert "Is this right?" in answer.content.decode()


def test_two_people_who_change_different_fields_both_keep_theirs(
    clinician_client: Client, study: Study
) -> None:
    mine = filled(study, body__waist_cm="95")
    save(clinician_client, study, filled(study, body__weight_kg="80"))
    answer = save(clinician_client, study, mine)
    assert answer.status_code == 302
    assert chart_of(study)["body"] == {
        "height_cm": 165,
        "weight_kg": 80,
        "waist_cm": 95,
        "systolic_mmhg": 122,
        "diastolic_mmhg": 78,
    }


def test_two_people_who_change_the_same_field_are_shown_both(
    clinician_client: Client, study: Study
) -> None:
    mine = filled(study, body__waist_cm="95", body__weight_kg="81")
    save(clinician_client, study, filled(study, body__waist_cm="92"))
    answer = save(clinician_client, study, mine)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Theirs, saved" in page
    assert "<strong>92</strong>" in page
    assert "<strong>95</strong>" in page
    assert chart_of(study)["body"]["waist_cm"] == 92
    chosen = filled(study, body__waist_cm="95", body__weight_kg="81")
    assert save(clinician_client, study, chosen).status_code == 302
    assert chart_of(study)["body"]["waist_cm"] == 95
    assert chart_of(study)["body"]["weight_kg"] == 81


def test_a_signed_chart_is_locked(clinician_client: Client, study: Study) -> None:
    form = filled(study, body__waist_cm="95")
    study.state = StudyState.SIGNED
    study.save()
    assert save(clinician_client, study, form).status_code == 400
    assert chart_of(study)["body"]["waist_cm"] == 89


@pytest.mark.parametrize("before", ["", "{", "[]", '{"body.waist_cm": 3}'])
def test_a_form_without_its_beginning_never_overwrites(
    clinician_client: Client, study: Study, before: str
) -> None:
    form = filled(study, body__waist_cm="95") | {"before": before, "version": ""}
    assert save(clinician_client, study, form).status_code == 409
    assert chart_of(study)["body"]["waist_cm"] == 89


def test_a_file_fills_the_form_but_saves_nothing(clinician_client: Client, study: Study) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    table = SimpleUploadedFile("chart.csv", b"field,value,unit\nprolactin,12,ng/mL\n")
    answer = clinician_client.post(f"/studies/{study.pk}/chart/import/", {"file": table})
    page = answer.content.decode()
    assert 'name="labs.prolactin.value" value="12"' in page
    assert 'name="body.waist_cm" value="89"' in page
    assert "prolactin" not in json.dumps(chart_of(study))


def test_who_may_only_look_saves_nothing(
    client_of: Any, make_user: Any, study: Study, clinician: User
) -> None:
    client = client_of(make_user("nobody"))
    assert save(client, study, filled(study)).status_code in (403, 404)


def send(client: Client, study: Study, text: str) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    table = SimpleUploadedFile("chart.csv", text.encode())
    return client.post(f"/studies/{study.pk}/chart/import/", {"file": table})


def test_two_results_of_one_test_are_shown_with_their_days_and_what_is_chosen_fills_the_form(
    clinician_client: Client, study: Study
) -> None:
    rows = "prolactin,12,ng/mL,2026-01-05\nprolactin,30,ng/mL,2026-02-05\n"
    answer = send(clinician_client, study, f"field,value,unit,date\n{rows}")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "12 ng/mL" in page
    assert "5 Jan 2026" in page
    assert "not the latest" in page
    assert page.count("suggested") == 1
    form = {
        "chosen:labs.prolactin.value": json.dumps(
            {"labs.prolactin.value": "12", "labs.prolactin.unit": "ng/mL", "nonsense": "x"}
        ),
        **filled(study),
    }
    answer = clinician_client.post(f"/studies/{study.pk}/chart/import/choice/", form)
    page = answer.content.decode()
    assert 'name="labs.prolactin.value" value="12"' in page
    assert "nonsense" not in page
    assert "prolactin" not in json.dumps(chart_of(study)), "nothing is saved before it is looked at"


def test_a_file_never_replaces_what_the_chart_says_without_asking(
    clinician_client: Client, study: Study
) -> None:
    page = send(clinician_client, study, "field,value\nbody.waist_cm,120\n").content.decode()
    assert "in the chart now" in page
    assert "89 cm" in page
    assert "120 cm" in page


def test_a_unit_nobody_chose_is_no_change(clinician_client: Client, study: Study) -> None:
    mine = filled(study, body__waist_cm="95", **{"labs.prolactin.unit": "ng/mL"})
    save(clinician_client, study, filled(study, body__waist_cm="92"))
    page = save(clinician_client, study, mine).content.decode()
    assert "Waist" in page
    assert "prolactin unit" not in page
