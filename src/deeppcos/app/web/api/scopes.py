"""What a token may be for, and the rights each purpose opens.

Owns the table. Whether its owner holds a right is decided by ``access`` at every request, so that
a token never does what its owner may not do any more.
"""

from collections.abc import Iterable
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from deeppcos.app.web.access import Right, rights_of
from deeppcos.app.web.models import Site, User


class Scope(StrEnum):
    """One purpose of a token."""

    STUDIES_READ = "studies:read"
    STUDIES_WRITE = "studies:write"
    MARKS_WRITE = "marks:write"
    REPORTS_SIGN = "reports:sign"
    PATIENTS_RELEASE = "patients:release"
    AUDIT_READ = "audit:read"


OPENS: dict[Scope, frozenset[Right]] = {
    Scope.STUDIES_READ: frozenset({Right.SEE_STUDIES}),
    Scope.STUDIES_WRITE: frozenset({Right.SEE_STUDIES, Right.ADD_STUDIES}),
    Scope.MARKS_WRITE: frozenset({Right.SEE_STUDIES, Right.MARK}),
    Scope.REPORTS_SIGN: frozenset({Right.SEE_STUDIES, Right.SIGN}),
    Scope.PATIENTS_RELEASE: frozenset({Right.SEE_STUDIES, Right.RELEASE_TO_PATIENT}),
    Scope.AUDIT_READ: frozenset({Right.READ_AUDIT}),
}
"""What changes a study may also see it."""

WORDS = {
    Scope.STUDIES_READ: _("see studies, pictures, assessments, reports and trends"),
    Scope.STUDIES_WRITE: _("add studies and files, have them read"),
    Scope.MARKS_WRITE: _("change charts, marks, sides and the criteria profile"),
    Scope.REPORTS_SIGN: _("sign and amend reports, in your name"),
    Scope.PATIENTS_RELEASE: _("make and take back patients' links"),
    Scope.AUDIT_READ: _("read the audit trail of the site"),
}


def opened_by(scopes: Iterable[str]) -> frozenset[Right]:
    """The rights some scopes open together; a word that is no scope opens nothing.

    Examples:
        >>> sorted(opened_by(["studies:write", "everything"]))
        [<Right.ADD_STUDIES: 'add_studies'>, <Right.SEE_STUDIES: 'see_studies'>]
    """
    known = [Scope(word) for word in scopes if word in set(Scope)]
    return frozenset().union(*(OPENS[scope] for scope in known))


def scopes_for(user: User, site: Site) -> list[Scope]:
    """The scopes a token of this person may have at a site: only what she may do herself."""
    held = rights_of(user, site.pk)
    return [scope for scope in Scope if OPENS[scope] <= held]
