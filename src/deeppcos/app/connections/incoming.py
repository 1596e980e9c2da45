"""Studies that arrive where there is no desk: each analysed into a folder, results sent by rule.

Owns the way from the inbox to a report's folder. With a desk, studies go to its worklist instead
(``app.web.connections``).
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from deeppcos.app import workflow
from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.results import Happened, put_results
from deeppcos.app.connections.rules import facts_of, incoming_for
from deeppcos.app.connections.settings import Connections
from deeppcos.app.connections.tables import When
from deeppcos.errors import DeepPCOSError, TemporaryFailure
from deeppcos.records.dicom_network.inbox import Inbox
from deeppcos.records.dicom_network.kept import InboxStudy
from deeppcos.records.dicom_result import MAKER

LOG = logging.getLogger("deeppcos.connections")

ANALYSED, LEFT_ALONE, NOT_ANALYSED = "analysed", "left alone", "not analysed"
LOOK_SECONDS = 1.0


def analyse_arriving(
    inbox: Inbox,
    connections: Connections,
    *,
    out: Path,
    outbox: Outbox,
    say: Callable[[str], object],
    is_over: Callable[[], bool],
) -> None:
    """Analyse every study nobody sends any more, until told to stop.

    Args:
        inbox: What was received.
        connections: What is done with it, and who gets the results.
        out: Folder for the reports, one folder a study.
        outbox: The queue of what is sent.
        say: Tells the person at the terminal.
        is_over: Whether to stop.
    """
    wait = threading.Event()
    while not is_over():
        if not analyse_quiet(inbox, connections, out=out, outbox=outbox, say=say):
            wait.wait(LOOK_SECONDS)


def analyse_quiet(
    inbox: Inbox,
    connections: Connections,
    *,
    out: Path,
    outbox: Outbox,
    say: Callable[[str], object],
) -> int:
    """Analyse the studies that are quiet now; a crash in between only repeats one.

    Returns:
        How many were dealt with.
    """
    listener = connections.listeners.dicom
    quiet = inbox.quiet_studies(listener.quiet_s if listener else 0.0)
    for study in quiet:
        try:
            state = _analyse(study, inbox, connections, out=out, outbox=outbox)
        except TemporaryFailure as problem:
            LOG.warning("%s is tried again: %s", study.study_instance_uid, problem)
            continue
        except DeepPCOSError as problem:
            say(f"study {study.study_instance_uid}: {problem}")
            state = NOT_ANALYSED
        else:
            say(f"study {study.study_instance_uid}: {state}")
        inbox.mark(study, state)
    return len(quiet)


def _analyse(
    study: InboxStudy, inbox: Inbox, connections: Connections, *, out: Path, outbox: Outbox
) -> str:
    """One study into its folder; its results, which nobody has signed, into the outbox."""
    kept = [
        one
        for one in inbox.instances(study.study_instance_uid)
        if not one.is_conflict and not is_ours(one.path)
    ]
    facts = facts_of([one.path for one in kept], ae_titles=[one.sender.ae_title for one in kept])
    if not kept or not incoming_for(connections, facts).analyze:
        return LEFT_ALONE
    folder = out / study.study_instance_uid
    analysed = workflow.analyze_study([one.path for one in kept])
    workflow.claim_output(folder, force=True)
    workflow.write_report(analysed, folder)
    pdf = folder / "report.pdf"
    happened = Happened(
        when=When.ANALYSED,
        key=f"analysed:{study.study_instance_uid}:{study.instances}",
        study=study.study_instance_uid,
        about=study.accession_number or study.study_instance_uid,
        facts=facts,
        paths={one.file.source: Path(one.file.source) for one in analysed.files},
        document=analysed.document,
        pdf=pdf.read_bytes if pdf.is_file() else None,
    )
    put_results(happened, outbox=outbox, connections=connections)
    return ANALYSED


def is_ours(path: Path) -> bool:
    """Whether a file is a result of ours that came back, as archives pass on what they are given.

    Args:
        path: A DICOM file.
    """
    from pydicom import dcmread

    header = dcmread(path, stop_before_pixels=True, specific_tags=["Manufacturer"], force=True)
    return str(header.get("Manufacturer") or "") == MAKER
