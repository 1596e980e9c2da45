"""Addresses of the time lines."""

from django.urls import path

from deeppcos.app.web.trends import views

app_name = "trends"
urlpatterns = [
    path("<uuid:patient_id>/trends/", views.timeline, name="timeline"),
    path("<uuid:patient_id>/trends.csv", views.table, name="table"),
]
