"""Which rules speak of a study, and what is done with one that arrives.

Owns the comparison of a study's facts with a rule's conditions. What is sent is made in
``results``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deeppcos.app.connections.settings import Connections
from deeppcos.app.connections.tables import Conditions, IncomingTable, RuleTable, When


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFacts:
    """What rules ask about a study.

    Attributes:
        modalities: Modalities of its files.
        stations: Station names of its files.
        ae_titles: Titles of those who sent it; none of what was uploaded.
        site: Short name of its site; empty where there is no desk.
    """

    modalities: frozenset[str] = frozenset()
    stations: frozenset[str] = frozenset()
    ae_titles: frozenset[str] = frozenset()
    site: str = ""


def facts_of(files: Iterable[Path], *, ae_titles: Iterable[str] = (), site: str = "") -> StudyFacts:
    """The facts of some files; what is no DICOM adds nothing.

    Args:
        files: The files.
        ae_titles: Who sent them.
        site: Short name of the site.
    """
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    modalities, stations = set(), set()
    for path in files:
        try:
            header = dcmread(
                path, stop_before_pixels=True, specific_tags=["Modality", "StationName"]
            )
        except (InvalidDicomError, OSError, ValueError, KeyError, NotImplementedError):
            continue
        modalities.add(str(header.get("Modality") or "").strip())
        stations.add(str(header.get("StationName") or "").strip())
    return StudyFacts(
        modalities=frozenset(modalities - {""}),
        stations=frozenset(stations - {""}),
        ae_titles=frozenset(title.strip() for title in ae_titles if title.strip()),
        site=site,
    )


def fits(conditions: Conditions, facts: StudyFacts) -> bool:
    """Whether a study meets every condition; a list that is empty asks nothing.

    Examples:
        >>> fits(Conditions(modalities=("US",)), StudyFacts(modalities=frozenset({"US", "SR"})))
        True
        >>> fits(Conditions(stations=("ROOM2",)), StudyFacts())
        False
    """
    site = frozenset({facts.site})
    return all(
        not wanted or there & frozenset(wanted)
        for wanted, there in (
            (conditions.modalities, facts.modalities),
            (conditions.stations, facts.stations),
            (conditions.ae_titles, facts.ae_titles),
            (conditions.sites, site),
        )
    )


def rules_for(connections: Connections, when: When, facts: StudyFacts) -> tuple[RuleTable, ...]:
    """The rules an event sets off. An amendment sets off those of a signature too.

    Args:
        connections: The file.
        when: What happened.
        facts: To which study.
    """
    set_off = {when, When.SIGNED} if when is When.AMENDED else {when}
    return tuple(one for one in connections.rules if one.when in set_off and fits(one, facts))


def incoming_for(connections: Connections, facts: StudyFacts) -> IncomingTable:
    """What is done with a study that arrives: the first table that fits, else the defaults."""
    return next((one for one in connections.incoming if fits(one, facts)), IncomingTable())
