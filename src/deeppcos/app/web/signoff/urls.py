"""Addresses of sign-off and signed reports."""

from django.urls import path

from deeppcos.app.web.signoff import views

app_name = "signoff"
urlpatterns = [
    path("<uuid:study_id>/sign/", views.sign, name="sign"),
    path("<uuid:study_id>/amend/", views.amend, name="amend"),
    path("<uuid:study_id>/reports/<int:number>/", views.report, name="report"),
    path("<uuid:study_id>/reports/<int:number>/<str:name>", views.document, name="document"),
]
