from django.apps import AppConfig


class Config(AppConfig):
    name = "parvis.reservations"
    label = "reservations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from parvis.reservations import receivers  # noqa: F401
