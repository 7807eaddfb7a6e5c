"""The Django application: it registers the checks of the settings."""

from django.apps import AppConfig
from django.core.checks import Tags, register


class MantletConfig(AppConfig):
    name = "mantlet.django"
    label = "mantlet"
    verbose_name = "Mantlet"

    def ready(self) -> None:
        from mantlet.django.checks import settings_check

        register(settings_check, Tags.security)
