"""Sending a report that lies in a folder, because somebody asked for it.

Owns finding report and images again. The rest is the way of every result (``results``).
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deeppcos.app.connections.outbox import Outbox
from deeppcos.app.connections.results import Happened, put_results
from deeppcos.app.connections.rules import StudyFacts
from deeppcos.app.connections.settings import Connections
from deeppcos.app.connections.tables import ACCEPTED_BY, RuleTable, What, When
from deeppcos.app.dicom_results import PDF, report_of
from deeppcos.errors import InvalidInput
from deeppcos.records.tracking_identifiers import digest_of


def put_report(
    folder: Path,
    *,
    to: str,
    what: Sequence[str] | None,
    images: Path | None,
    outbox: Outbox,
    connections: Connections,
) -> int:
    """Queue a report for one peer; the same report to the same peer is queued once.

    Args:
        folder: The folder ``deeppcos analyze --out`` wrote.
        to: Name of the peer.
        what: What is sent; None sends everything the peer takes, images excepted.
        images: Folder with the images, if they were moved.
        outbox: The queue.
        connections: The file.

    Returns:
        How many items were made.

    Raises:
        InvalidInput: If there is no report or peer, or the peer cannot take what is named.
    """
    peer = connections.peer(to)
    accepted = ACCEPTED_BY[peer.kind]
    wanted = tuple(_named(what, accepted, peer.kind))
    document, paths = report_of(folder, images=images)
    pdf = folder / PDF
    rule = RuleTable(when=When.ANALYSED, send=wanted, to=to)
    only = replace(connections, rules=(rule,), incoming=())
    digest = digest_of(document)
    happened = Happened(
        when=When.ANALYSED,
        key=f"by hand:{digest[:32]}:{to}:{','.join(sorted(wanted))}",
        study=digest[:32],
        about=folder.name,
        facts=StudyFacts(),
        paths=paths,
        document=document,
        pdf=pdf.read_bytes if pdf.is_file() else None,
    )
    return put_results(happened, outbox=outbox, connections=only)


def _named(what: Sequence[str] | None, accepted: frozenset[What], kind: str) -> list[What]:
    """What is to be sent."""
    possible: list[What] = [one for one in What if one in accepted and one is not What.IMAGES]
    unknown = [one for one in what or () if one not in possible]
    if unknown:
        raise InvalidInput(
            f"a {kind} peer is not sent this",
            value=", ".join(unknown),
            accepted=", ".join(possible),
            remedy="correct --what",
        )
    return [What(one) for one in what] if what else possible
