"""Addresses of the patient's page."""

from django.urls import path

from deeppcos.app.web.patient import views

app_name = "patient"
urlpatterns = [
    path("studies/<uuid:study_id>/patient/", views.share, name="share"),
    path("studies/<uuid:study_id>/patient/release/", views.release, name="release"),
    path("studies/<uuid:study_id>/patient/preview/", views.preview, name="preview"),
    path(
        "studies/<uuid:study_id>/patient/preview/picture.png",
        views.preview_picture,
        name="preview-picture",
    ),
    path("studies/<uuid:study_id>/patient/<uuid:link_id>/take-back/", views.revoke, name="revoke"),
    path("my/<str:secret>/", views.page, name="page"),
    path("my/<str:secret>/picture.png", views.picture, name="picture"),
]
