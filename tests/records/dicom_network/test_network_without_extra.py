"""The default install has no network libraries: modules import, a call names what is missing."""

import subprocess
import sys

WITHOUT = "import sys; sys.modules['pynetdicom'] = sys.modules['requests'] = None; "


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code], capture_output=True, encoding="utf-8", timeout=120
    )


def test_every_record_and_the_inbox_work_without_the_extra() -> None:
    done = _run(
        "import tempfile, deeppcos.records.dicom_web as web; "
        "import deeppcos.records.dicom_network as net; "
        "import deeppcos.records.dicom_network.conformance; "
        "net.DicomPeer(ae_title='A', host='h', port=104); net.ListenSettings(); "
        "web.DicomWebPeer(url='https://h/dicom-web'); "
        "inbox = net.Inbox(tempfile.mkdtemp()); print(inbox.studies()); inbox.close()"
    )
    assert (done.returncode, done.stdout) == (0, "()\n"), done.stderr


def test_a_call_names_the_missing_package() -> None:
    done = _run(
        "from deeppcos.records.dicom_network import DicomPeer, echo; "
        "echo(DicomPeer(ae_title='A', host='h', port=104))"
    )
    assert "ModuleNotFoundError" in done.stderr
    assert "pynetdicom" in done.stderr
