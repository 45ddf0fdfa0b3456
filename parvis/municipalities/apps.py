from django.apps import AppConfig


class Config(AppConfig):
    name = "parvis.municipalities"
    label = "municipalities"
    default_auto_field = "django.db.models.BigAutoField"
