from django.apps import AppConfig


class Config(AppConfig):
    name = "parvis.cases"
    label = "cases"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The mailbox is read by a job of its own module, which calls the actions.
        from parvis.cases import mail, receivers  # noqa: F401
