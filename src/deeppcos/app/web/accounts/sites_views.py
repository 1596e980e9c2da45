"""Pages of sites: which there are, what they are called, who needs a second factor there."""

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Model, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from deeppcos.app.web import audit
from deeppcos.app.web.access import Right, account_of, needs
from deeppcos.app.web.accounts.forms import SiteForm
from deeppcos.app.web.accounts.people import sites_of
from deeppcos.app.web.models import Grant, Role, Site, Study, User


@needs(Right.MANAGE_ACCOUNTS)
@never_cache
@require_http_methods(["GET", "POST"])
def sites(request: HttpRequest) -> HttpResponse:
    """The administrator's sites, and a form for a new one."""
    administrator = account_of(request)
    form = SiteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        site = _found(administrator, form)
        messages.success(request, _("The site is there, and you are its administrator."))
        return redirect("accounts:site", site_id=site.pk)
    shown = sites_of(administrator).annotate(
        people_count=_count(Grant, "user"), study_count=_count(Study, "pk")
    )
    return render(request, "accounts/sites.html", {"sites": shown, "form": form})


def _count(model: type[Model], counted: str) -> Coalesce:
    """How many rows of a model a site has, each distinct; apart, so that none multiply."""
    rows = model._default_manager.filter(site=OuterRef("pk")).order_by().values("site")
    return Coalesce(
        Subquery(rows.annotate(number=Count(counted, distinct=True)).values("number")), 0
    )


@needs(Right.MANAGE_ACCOUNTS)
@never_cache
@require_http_methods(["GET", "POST"])
def site(request: HttpRequest, site_id: int) -> HttpResponse:
    """One site: its name, and which roles must give a second factor."""
    administrator = account_of(request)
    shown = sites_of(administrator).filter(pk=site_id).first()
    if shown is None:
        raise Http404("no such site")
    form = SiteForm(request.POST or None, instance=shown)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            audit.record(
                "site.changed",
                actor=administrator,
                site=shown,
                detail={"name": shown.name, "second_factor": shown.second_factor_roles},
            )
        messages.success(request, _("The site is changed."))
        return redirect("accounts:sites")
    return render(request, "accounts/site.html", {"site": shown, "form": form})


def _found(administrator: User, form: SiteForm) -> Site:
    """Make a site; whoever makes it administers it, so that it is never without one."""
    with transaction.atomic():
        new: Site = form.save(commit=False)
        new.slug = _free_slug(new.name)
        new.save()
        Grant.objects.create(user=administrator, site=new, role=Role.ADMINISTRATOR)
        audit.record("site.made", actor=administrator, site=new, detail={"name": new.name})
    return new


def _free_slug(name: str) -> str:
    """A short name for addresses and mappings that no other site has."""
    plain = slugify(name)[:50] or "site"
    taken = set(Site.objects.filter(slug__startswith=plain).values_list("slug", flat=True))
    number = 2
    slug = plain
    while slug in taken:
        slug, number = f"{plain}-{number}", number + 1
    return slug
