"""The system check: `manage.py check` says what is wrong with the policy, and with the place of the middleware."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from mantlet import PolicyError
from mantlet.django import policy_of_settings

MIDDLEWARE = "mantlet.django.MantletMiddleware"


def settings_check(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """E001: no policy, or one with errors. W001: no middleware. W002: the middleware is not the first."""
    found: list[CheckMessage] = []
    try:
        policy_of_settings()
    except (ImproperlyConfigured, PolicyError, OSError) as error:
        found.append(Error(str(error), hint="MANTLET_POLICY is the path of a policy file.", id="mantlet.E001"))
    if MIDDLEWARE not in settings.MIDDLEWARE:
        hint = f"Put {MIDDLEWARE!r} first in MIDDLEWARE, or wrap the application of wsgi.py and asgi.py."
        found.append(Warning("The application is not behind the policy.", hint=hint, id="mantlet.W001"))
    elif settings.MIDDLEWARE[0] != MIDDLEWARE:
        hint = f"Put {MIDDLEWARE!r} first: what a middleware before it answers has no header of the policy."
        found.append(Warning("MantletMiddleware is not the first middleware.", hint=hint, id="mantlet.W002"))
    return found
