"""Addresses of studies."""

from django.urls import path

from deeppcos.app.web.studies import views

app_name = "studies"
urlpatterns = [
    path("new/", views.new, name="new"),
    path("<uuid:study_id>/", views.study, name="study"),
]
