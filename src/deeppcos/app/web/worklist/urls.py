"""Addresses of the worklist."""

from django.urls import path

from deeppcos.app.web.worklist import views

app_name = "worklist"
urlpatterns = [
    path("", views.worklist, name="list"),
]
