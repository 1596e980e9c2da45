"""Whether this server can work, for whatever starts it again when it cannot.

Owns one short answer that tells nobody anything else. A person asks ``deeppcos doctor``.
"""

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deeppcos.app.web.access import open_to_all
from deeppcos.app.web.models import Site


@open_to_all
@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """200 when the data base answers, else 503."""
    try:
        Site.objects.exists()
    except DatabaseError:
        return HttpResponse("no data base\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")
