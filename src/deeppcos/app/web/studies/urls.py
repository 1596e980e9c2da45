"""Addresses of studies."""

from django.urls import path

from deeppcos.app.web.studies import chart_import_views, chart_views, removal_views, views

app_name = "studies"
urlpatterns = [
    path("new/", views.new, name="new"),
    path("<uuid:study_id>/", views.study, name="study"),
    path("<uuid:study_id>/files/", views.files, name="files"),
    path("<uuid:study_id>/read/", views.read, name="read"),
    path("<uuid:study_id>/progress/", views.progress, name="progress"),
    path("<uuid:study_id>/cancel/", views.cancel, name="cancel"),
    path("<uuid:study_id>/take/", views.take, name="take"),
    path("<uuid:study_id>/images/<uuid:image_id>/thumbnail/", views.thumbnail, name="thumbnail"),
    path("<uuid:study_id>/images/<uuid:image_id>/side/", views.side, name="side"),
    path("<uuid:study_id>/images/<uuid:image_id>/remove/", removal_views.file, name="remove-file"),
    path(
        "<uuid:study_id>/images/<uuid:image_id>/withdraw/",
        removal_views.withdraw,
        name="withdraw-picture",
    ),
    path(
        "<uuid:study_id>/images/<uuid:image_id>/restore/",
        removal_views.restore,
        name="restore-picture",
    ),
    path("<uuid:study_id>/remove/", removal_views.study, name="remove"),
    path("<uuid:study_id>/refused/", removal_views.refusals, name="set-aside"),
    path("<uuid:study_id>/chart/", chart_views.chart, name="chart"),
    path("<uuid:study_id>/chart/import/", chart_import_views.fill_in, name="chart-import"),
    path("<uuid:study_id>/chart/import/choice/", chart_import_views.chosen, name="chart-chosen"),
    path("<uuid:study_id>/chart/question/", chart_views.question, name="chart-question"),
]
