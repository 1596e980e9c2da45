"""Addresses of launches."""

from django.urls import path

from deeppcos.app.web.smart import views

app_name = "smart"
urlpatterns = [
    path("launch/", views.launch, name="launch"),
    path("back/", views.back, name="back"),
    path("which/", views.which, name="which"),
    path("begin/", views.begin, name="begin"),
    path("studies/<uuid:study_id>/ask/", views.ask, name="ask"),
    path("studies/<uuid:study_id>/fill/", views.fill, name="fill"),
]
