"""Addresses of the watch."""

from django.urls import path

from deeppcos.app.web.monitoring import views

app_name = "monitoring"
urlpatterns = [
    path("", views.page, name="page"),
    path("<int:site_id>/", views.page, name="site"),
    path("<int:site_id>/look/", views.look_now, name="look"),
    path("<int:site_id>/window/", views.name, name="window"),
    path("alarms/<uuid:alarm_id>/", views.seen, name="acknowledge"),
]
