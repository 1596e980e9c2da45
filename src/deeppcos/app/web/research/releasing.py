"""Building and releasing cohorts for the sites somebody may see.

Owns scope and consent: every query of the desk asks for women who agreed to research, at sites
where the person has the right, and every release is audited with all others of the installation.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404

from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, sites_with
from deeppcos.app.web.models import SavedCohort, Site, User
from deeppcos.app.web.research.gathering import home, snapshot
from deeppcos.research.disclosure.ledger import Ledger
from deeppcos.research.query import CohortQuery, Criterion, Take
from deeppcos.research.release import CohortRelease, release_cohort, rounded_size

CONSENT = Criterion(field="consent", one_of=("true",))


def ledger() -> Ledger:
    """Every release of this installation, whoever made it."""
    return Ledger(folder=home() / "releases")


def consented(criteria: Sequence[Criterion], take: Take) -> CohortQuery:
    """A query of women who agreed to research.

    Args:
        criteria: What was asked; never consent.
        take: Which assessment stands for a woman.
    """
    return CohortQuery(criteria=(*criteria, CONSENT), take=take)


def about_how_many(user: User, query: CohortQuery) -> int:
    """The size of a cohort rounded down to ten, before it is released."""
    return rounded_size(snapshot(sites_with(user, Right.SEE_COHORTS)), query)


def release(user: User, query: CohortQuery, *, name: str) -> SavedCohort:
    """Release a cohort and keep it.

    Args:
        user: Who releases it; its scope are the sites this person may see.
        query: The query.
        name: What it is called.

    Raises:
        InvalidInput: If it is too small, or tells few women apart together with others.
    """
    sites = sites_with(user, Right.SEE_COHORTS)
    table = snapshot(sites)
    found = release_cohort(
        table,
        query,
        name=name,
        ledger=ledger(),
        command=f"deeppcos cohort report TABLE {query.command()} --out DIR",
    )
    with transaction.atomic():
        saved = _same(found, sites)
        if saved is None:
            saved = SavedCohort.objects.create(
                name=name,
                query_sha256=query.sha256,
                table_sha256=table.fingerprint,
                document=dict(found.document),
                made_by=user,
            )
            saved.sites.set(Site.objects.filter(pk__in=sites))
        for site in saved.sites.all():
            audit.record(
                "research.released",
                actor=user,
                site=site,
                about=f"cohort:{saved.pk}",
                detail={"query": query.sha256, "where": query.command()},
            )
    return saved


def _same(found: CohortRelease, sites: Sequence[int]) -> SavedCohort | None:
    """The cohort kept from the same release before, of the same sites."""
    document = found.document
    candidates = SavedCohort.objects.filter(
        query_sha256=document["query_sha256"], table_sha256=document["table"]["sha256"]
    )
    wanted = set(sites)
    return next(
        (one for one in candidates if set(one.sites.values_list("pk", flat=True)) == wanted), None
    )


def visible_cohorts(user: User, right: Right = Right.SEE_COHORTS) -> QuerySet[SavedCohort]:
    """Cohorts all of whose sites this person may see."""
    allowed = sites_with(user, right)
    hidden = SavedCohort.objects.filter(sites__in=Site.objects.exclude(pk__in=allowed))
    return (
        SavedCohort.objects.exclude(pk__in=hidden.values("pk")).filter(sites__in=allowed).distinct()
    )


def cohort_for(user: User, cohort_id: UUID, right: Right = Right.SEE_COHORTS) -> SavedCohort:
    """One cohort, as if there were none where this person may not see it.

    Raises:
        Http404: If there is none, or none this person may do this with.
    """
    found = visible_cohorts(user, right).filter(pk=cohort_id).first()
    if found is None:
        raise Http404("no such cohort")
    return found
