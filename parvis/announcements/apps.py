from django.apps import AppConfig


class Config(AppConfig):
    name = "parvis.announcements"
    label = "announcements"
    default_auto_field = "django.db.models.BigAutoField"
