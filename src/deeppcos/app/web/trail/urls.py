"""Addresses of the audit trail."""

from django.urls import path

from deeppcos.app.web.trail import views

app_name = "trail"
urlpatterns = [
    path("", views.trail, name="list"),
    path("verify/", views.verify, name="verify"),
    path("export/", views.export, name="export"),
]
