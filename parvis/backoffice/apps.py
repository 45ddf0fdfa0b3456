from django.apps import AppConfig


class Config(AppConfig):
    name = "parvis.backoffice"
    label = "backoffice"
    default_auto_field = "django.db.models.BigAutoField"
