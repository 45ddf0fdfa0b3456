from django.apps import AppConfig


class Config(AppConfig):
    name = "parvis.territory"
    label = "territory"
    default_auto_field = "django.db.models.BigAutoField"
