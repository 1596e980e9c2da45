"""Which area answers under which address. To add one: its folder with a ``urls.py``, one line here.

Owns nothing but the table.
"""

from django.urls import include, path

AREAS: tuple[tuple[str, str], ...] = (
    ("", "worklist"),
    ("studies/", "studies"),
    ("studies/", "assessment"),
    ("studies/", "signoff"),
    ("studies/", "viewer"),
    ("", "patient"),
    ("patients/", "trends"),
    ("smart/", "smart"),
    ("accounts/", "accounts"),
    ("trail/", "trail"),
    ("", "connections"),
    ("", "research"),
    ("", "learning"),
    ("monitoring/", "monitoring"),
    ("health/", "upkeep"),
    ("accounts/tokens/", "api.tokens"),
    ("api/v1/", "api"),
)
"""Address, and the folder of ``deeppcos.app.web`` whose ``urls`` answers there."""

urlpatterns = [path(address, include(f"deeppcos.app.web.{area}.urls")) for address, area in AREAS]
handler400 = "deeppcos.app.web.errors.bad_request"
handler403 = "deeppcos.app.web.errors.not_allowed"
handler404 = "deeppcos.app.web.errors.not_found"
handler500 = "deeppcos.app.web.errors.broken"
