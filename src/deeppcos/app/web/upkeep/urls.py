"""Address of the health answer."""

from django.urls import path

from deeppcos.app.web.upkeep import views

app_name = "upkeep"
urlpatterns = [path("", views.health, name="health")]
