from django.apps import AppConfig


class Config(AppConfig):
    name = "parvis.alerts"
    label = "alerts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from parvis.alerts import receivers  # noqa: F401
