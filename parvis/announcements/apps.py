from django.apps import AppConfig


class Config(AppConfig):
    name = "parvis.announcements"
    label = "announcements"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from parvis.announcements import receivers  # noqa: F401
