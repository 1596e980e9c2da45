"""Addresses of cohorts, and of consent on the study page."""

from django.urls import path

from deeppcos.app.web.research import consent, views

app_name = "research"
urlpatterns = [
    path("research/", views.cohorts, name="cohorts"),
    path("research/new/", views.new, name="new"),
    path("research/about-how-many/", views.preview, name="preview"),
    path("research/dictionary/", views.dictionary, name="dictionary"),
    path("research/<uuid:cohort_id>/", views.cohort, name="cohort"),
    path("research/<uuid:cohort_id>/release.json", views.record, name="record"),
    path("research/<uuid:cohort_id>/rows/", views.rows, name="rows"),
    path("research/<uuid:cohort_id>/exports/", views.exports, name="exports"),
    path(
        "research/<uuid:cohort_id>/exports/<uuid:job_id>/rows.zip",
        views.download,
        name="download",
    ),
    path("research/<uuid:cohort_id>/exports/<uuid:job_id>/stop/", views.stop, name="stop"),
    path("research/<uuid:cohort_id>/<slug:figure>.<str:form>", views.figure, name="figure"),
    path("studies/<uuid:study_id>/research-consent/", consent.consent, name="consent"),
]
