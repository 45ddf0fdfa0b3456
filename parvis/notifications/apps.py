from django.apps import AppConfig


class Config(AppConfig):
    name = "parvis.notifications"
    label = "notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from parvis.notifications import receivers  # noqa: F401
