"""Writes a test at a peer: one object, always the same, that says that it is a test.

Owns what is written. The same test twice leaves one: every format names it by the same identifier.
"""

import datetime as dt
from pathlib import Path
from tempfile import TemporaryDirectory

from deeppcos.app.connections import peers as as_peers
from deeppcos.app.connections.tables import (
    DicomPeerTable,
    DicomWebPeerTable,
    FhirPeerTable,
    Hl7PeerTable,
)
from deeppcos.errors import InvalidInput

STUDY_UID = "2.25.101338254718460412383046913463927130281"
SERIES_UID = "2.25.296183910376450155926530316487102573914"
INSTANCE_UID = "2.25.185520364712905640137713095546283100467"
PATIENT, NUMBER = "DeepPCOS^Connection Test", "DEEPPCOS-TEST"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
FHIR_TEST = {"system": "urn:ietf:rfc:3986", "value": f"urn:oid:{INSTANCE_UID}"}


def write_dicom(peer: DicomPeerTable | DicomWebPeerTable) -> str:
    """Store one grey picture of the patient "DeepPCOS Connection Test".

    Returns:
        What was stored, in words.

    Raises:
        InvalidInput: If the peer refuses it.
        TemporaryFailure: If it does not answer.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "test.dcm"
        _grey_picture(path)
        if isinstance(peer, DicomPeerTable):
            from deeppcos.records.dicom_network.sending import store

            [outcome] = store([path], peer=as_peers.dicom(peer))
        else:
            from deeppcos.records.dicom_web.storing import stow

            [outcome] = stow([path], peer=as_peers.dicomweb(peer))
    if outcome.state != "stored":
        raise InvalidInput("the test picture was refused", value=outcome.words)
    return f"one grey picture of patient {NUMBER} was stored; delete it there if you like"


def write_fhir(peer: FhirPeerTable) -> str:
    """Create one Device named as a test, if it is not there yet.

    Returns:
        What was created, in words.

    Raises:
        InvalidInput: If the server refuses it.
        TemporaryFailure: If it does not answer.
    """
    from deeppcos.records.fhir.server import transact

    name = [{"name": "DeepPCOS connection test", "type": "user-friendly-name"}]
    device = {"resourceType": "Device", "identifier": [FHIR_TEST], "deviceName": name}
    query = f"identifier={FHIR_TEST['system']}|{FHIR_TEST['value']}"
    request = {"method": "POST", "url": "Device", "ifNoneExist": query}
    entry = {"fullUrl": "urn:uuid:6f1f2a3e-94f4-4c39-9b5f-1f6f5d0a7f10", "resource": device}
    sent = transact(
        {"resourceType": "Bundle", "type": "transaction", "entry": [{**entry, "request": request}]},
        peer=as_peers.fhir(peer),
    )
    place = ", ".join((*sent.created, *sent.replaced_or_kept))
    return f"a transaction with one test Device was taken ({place})"


def write_hl7(peer: Hl7PeerTable) -> str:
    """Send one ORU^R01 whose processing ID says that it is for training (MSH-11 T).

    Returns:
        What was answered, in words.

    Raises:
        InvalidInput: If the peer refuses it.
        TemporaryFailure: If it does not acknowledge.
    """
    from deeppcos.records.hl7v2 import mllp

    now = dt.datetime.now().astimezone()
    ends = (
        peer.sending_application,
        peer.sending_facility,
        peer.receiving_application,
        peer.receiving_facility,
    )
    message = "\r".join(
        (
            f"MSH|^~\\&|{'|'.join(ends)}|{now:%Y%m%d%H%M%S%z}||ORU^R01^ORU_R01|DEEPPCOSTEST|T|2.6"
            "||||||UNICODE UTF-8",
            f"PID|1||{NUMBER}||{PATIENT}",
            f"OBR|1||DEEPPCOSTEST|TEST^Connection test^L|||{now:%Y%m%d}",
            "OBX|1|TX|TEST^Connection test^L||This is a test of the connection||||||P",
            "",
        )
    )
    said = mllp.send(message, peer=as_peers.hl7(peer))
    if not said.is_taken:
        raise InvalidInput("the test message was refused", value=f"{said.code} {said.words}")
    return f"a message marked as a test was acknowledged with {said.stated or said.code}"


def _grey_picture(path: Path) -> None:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    from deeppcos.records.dicom_result import IMPLEMENTATION_UID, MAKER

    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = UID(SECONDARY_CAPTURE), UID(INSTANCE_UID)
    made.StudyInstanceUID, made.SeriesInstanceUID = UID(STUDY_UID), UID(SERIES_UID)
    made.PatientName, made.PatientID = PATIENT, NUMBER
    made.PatientBirthDate = made.PatientSex = made.AccessionNumber = ""
    made.StudyDate = made.StudyTime = made.ReferringPhysicianName = made.StudyID = ""
    made.Modality, made.Manufacturer, made.ConversionType = "OT", MAKER, "WSD"
    made.StudyDescription = "Test of a connection"
    made.SeriesNumber = made.InstanceNumber = 1
    made.PatientOrientation = ""
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.Rows = made.Columns = 16
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0
    made.PixelData = b"\x80" * 256
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.ImplementationClassUID = IMPLEMENTATION_UID
    made.save_as(path, enforce_file_format=True)
