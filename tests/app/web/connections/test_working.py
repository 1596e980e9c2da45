"""The connections' own process: alone, undisturbed by a wrong file, told when it is right."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from pydicom.dataset import Dataset
from tests.app.web.connections.conftest import Connect
from tests.app.web.connections.doing import worklist_of

pytest.importorskip("pynetdicom", reason="the records extra is not installed")

from deeppcos.app.web.connections import places
from deeppcos.app.web.connections.working import work
from deeppcos.app.web.models import ExpectedStudy, Site
from deeppcos.app.web.serving import Serving, commands_of
from deeppcos.errors import InvalidInput

pytestmark = pytest.mark.network


def until_said(said: list[str], *words: str) -> Callable[[], bool]:
    """Over when all of the words were said, or after a while."""
    over = threading.Event()
    timer = threading.Timer(30, over.set)
    timer.daemon = True
    timer.start()
    return lambda: over.is_set() or all(any(w in one for one in said) for w in words)


@pytest.mark.django_db(transaction=True)
def test_a_wrong_file_is_told_and_its_correction_taken_up(site: Site, connect: Connect) -> None:
    connect("[peers.pacs]\n")
    said: list[str] = []

    def say(words: str) -> None:
        said.append(words)
        if "not connected" in words:
            connect('[listeners.dicom]\nport = 0\nhost = "127.0.0.1"\n')

    work(say=say, is_over=until_said(said, "receiving images"))
    assert "kind is missing" in said[0]
    assert "0 peers, 0 rules" in said[1]


@pytest.mark.django_db(transaction=True)
def test_two_processes_never_work_with_one_data_folder(site: Site, connect: Connect) -> None:
    connect('[listeners.dicom]\nport = 0\nhost = "127.0.0.1"\n')
    said: list[str] = []
    problems: list[str] = []

    def say(words: str) -> None:
        said.append(words)
        try:
            work(say=said.append, is_over=lambda: True)
        except InvalidInput as problem:
            problems.append(str(problem))

    work(say=say, is_over=until_said(said, "receiving"))
    [problem] = problems
    assert "another process works with the connections" in problem


def test_serve_runs_the_listener_where_somebody_is_connected() -> None:
    serving = Serving(host="127.0.0.1", port=8000, home=None, with_example=False)
    assert len(commands_of(serving)) == 2
    assert commands_of(serving, is_connected=True)[2][-1] == "listen"


@pytest.mark.django_db(transaction=True)
def test_the_worklist_of_the_hospital_fills_in_who_is_expected(
    site: Site, connect: Connect, clinician_client: Client
) -> None:
    entry = Dataset()
    entry.PatientName, entry.PatientID, entry.PatientBirthDate = "Doe^Jane", "P-1", "19980104"
    entry.AccessionNumber, entry.StudyInstanceUID = "A-77", "1.2.3"
    entry.RequestedProcedureDescription = "US pelvis"
    step = Dataset()
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = "20260105", "1015"
    step.Modality = "US"
    entry.ScheduledProcedureStepSequence = [step]
    with worklist_of([entry]) as port:
        connect(
            '[peers.ris]\nkind = "dicom"\nhost = "127.0.0.1"\nae_title = "RIS"\n'
            f"port = {port}\nworklist = true\ntimeout_s = 20\n"
        )
        for _ in range(2):
            clinician_client.post("/expected/worklist/")
    expected = ExpectedStudy.objects.get()
    assert (expected.accession, expected.patient, expected.name) == ("A-77", "P-1", "Jane Doe")
    assert expected.scheduled_at is not None
    page = clinician_client.get("/expected/").content.decode()
    assert "Take from worklist (ris)" in page
    assert "Jane Doe" in page


def test_the_lock_lies_with_what_it_guards() -> None:
    assert places.folder() == Path(settings.DEEPPCOS_HOME) / "connections"
