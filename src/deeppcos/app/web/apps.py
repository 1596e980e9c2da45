"""What Django calls this application."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """The clinic's desk."""

    name = "deeppcos.app.web"
    label = "web"
    verbose_name = "DeepPCOS"
    default_auto_field = "django.db.models.BigAutoField"
