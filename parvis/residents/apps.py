from django.apps import AppConfig


class Config(AppConfig):
    name = "parvis.residents"
    label = "residents"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from parvis.residents import receivers  # noqa: F401
