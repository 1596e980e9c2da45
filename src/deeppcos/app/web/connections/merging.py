"""Patients that the hospital found to be one, and the desk's studies of them.

Owns following what ADT messages say: each is a row of an append-only table, a merge moves the
studies, and an unmerge is told to people. Which number stands for which is the business of
``records.identifiers``.
"""

from deeppcos.app.web.connections import places
from deeppcos.app.web.models import Site
from deeppcos.records.identifiers import MergeTable, PatientIdentifier


def merge_table() -> MergeTable:
    """Everything that was told about merges."""
    places.folder().mkdir(parents=True, exist_ok=True)
    return MergeTable(places.folder() / "merges.sqlite3")


def standing_number(site: Site, number: str) -> str:
    """The desk's number that stands for a number now.

    Args:
        site: Where; merges are told for the site that listens.
        number: As ``desk_number`` gives it.
    """
    return merge_table().canonical(PatientIdentifier(issuer=site.slug, value=number)).value
