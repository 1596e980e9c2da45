"""The DICOM conformance statement, written from the tables the code itself works with.

Owns the text around the tables. ``scripts/write_conformance.py`` puts it into the documentation,
and a test asserts that it is fresh.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields

from pydicom.uid import (
    UID,
    ComprehensiveSRStorage,
    EncapsulatedPDFStorage,
    KeyObjectSelectionDocumentStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from deeppcos.records.dicom_network.accepted import (
    KEPT_CLASSES,
    KEPT_SYNTAXES,
    STORAGE_COMMITMENT,
    VERIFICATION,
    WORKLIST_FIND,
)
from deeppcos.records.dicom_network.failure_reasons import REASONS
from deeppcos.records.dicom_network.kept import InboxLimits
from deeppcos.records.dicom_network.listen_settings import ListenSettings
from deeppcos.records.dicom_network.listening import CANNOT_UNDERSTAND, OUT_OF_RESOURCES, SUCCESS
from deeppcos.records.dicom_network.peer import DicomPeer
from deeppcos.records.dicom_network.sending import MOST_CONTEXTS, PLAIN_SYNTAXES, TRY_LATER
from deeppcos.records.dicom_network.worklist import ASKED_ATTRIBUTES, MATCHED_ATTRIBUTES
from deeppcos.records.dicom_result import IMPLEMENTATION_UID, UNICODE, ResultKind
from deeppcos.records.dicom_web import exchange_rules
from deeppcos.records.tls import OLDEST_VERSION

WRITTEN_CLASSES: dict[ResultKind, UID] = {
    ResultKind.MEASUREMENTS: ComprehensiveSRStorage,
    ResultKind.OB_GYN_REPORT: ComprehensiveSRStorage,
    ResultKind.SEGMENTATION: SegmentationStorage,
    ResultKind.DOCUMENT: EncapsulatedPDFStorage,
    ResultKind.PICTURE: SecondaryCaptureImageStorage,
    ResultKind.KEY_OBJECTS: KeyObjectSelectionDocumentStorage,
}
"""What is written about a study, each in Explicit VR Little Endian."""

_LARGEST_UNIT = 128 * 1024


def conformance_statement() -> str:
    """The statement as Markdown."""
    sections = (_head(), _services(), _storage(), _association(), _statuses(), _worklist())
    return "\n\n".join((*sections, _web(), _objects(), _security())) + "\n"


def _head() -> str:
    return (
        "# DICOM conformance statement\n\n"
        "Written by `python scripts/write_conformance.py` from the tables the code works with; a "
        "test asserts that it is fresh. Do not edit. For research use; not a medical device.\n\n"
        f"Implementation Class UID {IMPLEMENTATION_UID}, version name DEEPPCOS. How to set each "
        "of these up: [dicom-network.md](dicom-network.md). What the objects say: "
        "[dicom.md](dicom.md)."
    )


def _services() -> str:
    rows = [
        ("Verification", VERIFICATION, "yes", "yes"),
        ("Storage (table below)", UID("1.2.840.10008.4.2"), "yes: any class of a file", "yes"),
        ("Storage Commitment Push Model", STORAGE_COMMITMENT, "yes", "yes"),
        ("Modality Worklist, C-FIND", WORKLIST_FIND, "yes", "no"),
    ]
    return "## Services\n\n" + _table(
        ("service", "UID", "user (SCU)", "provider (SCP)"),
        [(name, str(uid), user, provider) for name, uid, user, provider in rows],
    )


def _storage() -> str:
    classes = _table(("kept as provider", "UID"), [(_name(u), str(u)) for u in KEPT_CLASSES])
    syntaxes = _table(("transfer syntax", "UID"), [(_name(u), str(u)) for u in KEPT_SYNTAXES])
    plain = ", ".join(_name(uid) for uid in PLAIN_SYNTAXES)
    return (
        "## Storage\n\nLevel 2 (full): the data set is kept exactly as it came.\n\n"
        f"{classes}\n\nEach in any of:\n\n{syntaxes}\n\n"
        "As user, each file is offered in its own transfer syntax, one presentation context for "
        f"each pair, up to {MOST_CONTEXTS} in an association. A file in {plain} is also offered in "
        "Implicit VR Little Endian and written anew where only that is accepted. Compressed files "
        "are never decompressed."
    )


def _association() -> str:
    listen, peer, limits = (
        ListenSettings(),
        DicomPeer(ae_title="A", host="h", port=1),
        InboxLimits(),
    )
    rows = [
        ("application entity title", f"{listen.ae_title}; any, by setting"),
        ("port", f"{listen.port}; any, by setting"),
        ("called title", "must be ours"),
        ("calling titles, addresses", "any unless the settings list them"),
        ("associations at once", f"{listen.most_associations}; {listen.most_from_one_address} "
         "connections from one address"),
        ("largest message unit (PDU)", f"{_LARGEST_UNIT} bytes, received and offered"),
        ("asynchronous operations", "none: one operation at a time"),
        ("idle association ended after", f"{listen.idle_s:g} s"),
        ("a message unit, or a TLS handshake, within", f"{listen.unit_s:g} s"),
        ("an instance within", f"{listen.instance_s:g} s"),
        ("any answer of a peer within", f"{peer.timeout_s:g} s"),
        ("largest instance", f"{limits.largest_instance_bytes:,} bytes"),
        ("free disk kept", f"{limits.free_disk_bytes:,} bytes"),
        ("TCP", "TCP_NODELAY in both directions"),
    ]  # fmt: skip
    return "## Associations\n\nDefaults; all can be set.\n\n" + _table(("property", "value"), rows)


def _statuses() -> str:
    rows = [
        (f"0x{SUCCESS:04X}", "the instance is on the disk: file, name and index row forced; or it "
         "was kept before, byte for byte; or another content has its UID, and it is kept apart"),
        (f"0x{OUT_OF_RESOURCES:04X}", "the disk is nearly full or fails: nothing is kept, send "
         "it again later"),
        (f"0x{CANNOT_UNDERSTAND:04X}", "too large, unreadable, of no study, or not what was "
         "announced; the Error Comment says which, and it is set aside with the reason"),
    ]  # fmt: skip
    later = ", ".join(
        f"0x{one.start:04X}" + (f" to 0x{one.stop - 1:04X}" if len(one) > 1 else "")
        for one in TRY_LATER
    )
    reasons = _table(
        ("failure reason", "in words"),
        [(f"0x{code:04X}", words) for code, words in REASONS.items()],
    )
    return (
        "## Statuses\n\nGiven to C-STORE:\n\n" + _table(("status", "when"), rows) + "\n\n"
        f"Taken as user: success and 0xBxxx are stored; {later} mean try later; all others mean "
        f"refused. Reasons of storage commitment and STOW-RS:\n\n{reasons}\n\n"
        "A commitment is given after the file on the disk was read and its SHA-256 compared. The "
        "report goes over the asker's association, or over a new one to a configured peer."
    )


def _worklist() -> str:
    return (
        f"## Worklist\n\nMatched: {_listed(MATCHED_ATTRIBUTES)}.\n\n"
        f"Asked for: {_listed(ASKED_ATTRIBUTES)}.\n\nQuestions are in {UNICODE}. A name beyond "
        "ASCII in an answer that states no character set is unknown, unless the site has said "
        "which one its server uses."
    )


def _web() -> str:
    return (
        "## DICOMweb, as user\n\n"
        + _table(("service", "resource", "media types"), exchange_rules.SERVICES)
        + (
            "\n\nBearer tokens (RFC 6750) over https only, redirects are not followed. Try later: "
            f"HTTP {_listed(str(code) for code in sorted(exchange_rules.TRY_LATER))}. A multipart "
            "answer without its last boundary is an error."
        )
    )


def _objects() -> str:
    rows = [(kind.value.replace("_", " "), _name(u), str(u)) for kind, u in WRITTEN_CLASSES.items()]
    return "## Objects written\n\nExplicit VR Little Endian, ISO_IR 192.\n\n" + _table(
        ("object", "SOP class", "UID"), rows
    )


def _security() -> str:
    return (
        "## Security and character sets\n\n"
        f"TLS {OLDEST_VERSION.name.removeprefix('TLSv').replace('_', '.')} or newer, with "
        "certificates of callers where an authority is set; ciphers are OpenSSL's own choice. No "
        "user identity negotiation. Character sets read: all of PS3.3 C.12.1.1.2."
        f" Written: {UNICODE}.\n\n"
        f"Settings of the listener: {_listed(one.name for one in fields(ListenSettings))}."
    )


def _name(uid: UID) -> str:
    return f"{uid.name} (retired)" if uid.is_retired else uid.name


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
