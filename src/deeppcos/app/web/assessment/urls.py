"""Addresses of the assessment."""

from django.urls import path

from deeppcos.app.web.assessment import views

app_name = "assessment"
urlpatterns = [
    path("<uuid:study_id>/assessment/", views.page, name="page"),
    path("<uuid:study_id>/assessment/profile/", views.use_profile, name="use-profile"),
]
