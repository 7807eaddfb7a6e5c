"""Mantlet as a Django middleware, for WSGI and ASGI, with a template tag and a system check.

    INSTALLED_APPS = ["mantlet.django", ...]  # for {% load mantlet %}{% csp_nonce %} and the checks
    MIDDLEWARE = ["mantlet.django.MantletMiddleware", ...]  # the first
    MANTLET_POLICY = BASE_DIR / "mantlet.toml"  # or a Policy, or a Preset

In a view, `request.mantlet` is the permit.
"""

from collections.abc import Awaitable, Callable
from typing import Any, cast
from urllib.parse import quote

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from mantlet import Denial, Exchange, Policy
from mantlet._compiled import compiled
from mantlet._hook import judged, judged_async, judged_environ

__all__ = ["MantletMiddleware", "csp_nonce", "policy_of_settings"]


def policy_of_settings() -> Policy:
    """The policy that `settings.MANTLET_POLICY` means.

    Raises `ImproperlyConfigured` where there is none, `PolicyError` for one with errors, `OSError` for a file that
    cannot be read.
    """
    policy = getattr(settings, "MANTLET_POLICY", None)
    if policy is None:
        raise ImproperlyConfigured('no MANTLET_POLICY: set the path of a policy file, BASE_DIR / "mantlet.toml"')
    return compiled(policy)


class MantletMiddleware:
    """The middleware: the first of `MIDDLEWARE`, so that what the others answer passes the policy too."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._policy = policy_of_settings()
        self._asynchronous = iscoroutinefunction(get_response)
        if self._asynchronous:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._asynchronous:
            return self._later(request)
        exchange = self._open(request)
        if exchange.denial is not None:
            return _answer(exchange.denial)
        return _edited(exchange, self._get_response(request))

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        if isinstance(request, ASGIRequest):
            exchange = await judged_async(self._policy, **_asked(request))
        else:
            exchange = self._open(request)
        request.mantlet = exchange.permit  # type: ignore[attr-defined]
        if exchange.denial is not None:
            return _answer(exchange.denial)
        return _edited(exchange, await self._get_response(request))

    def _open(self, request: HttpRequest) -> Exchange:
        if isinstance(request, ASGIRequest):
            exchange = judged(self._policy, **_asked(request))
        else:
            exchange = judged_environ(self._policy, request.META, request)
        request.mantlet = exchange.permit  # type: ignore[attr-defined]
        return exchange


def _asked(request: ASGIRequest) -> dict[str, Any]:
    """What a scope tells."""
    scope = cast(dict[str, Any], request.scope)
    client = scope.get("client")
    return {
        "method": scope["method"],
        "path": scope.get("raw_path") or quote(scope["path"], safe="/:@!$&'()*+,;=~").encode(),
        "headers": scope["headers"],
        "query": scope.get("query_string") or None,
        "peer": client[0] if client else None,
        "tls": scope.get("scheme") == "https",
        "request": request,
    }


def csp_nonce(request: HttpRequest) -> dict[str, str | None]:
    """A context processor: `csp_nonce` in every template, for `<script nonce="{{ csp_nonce }}">`."""
    permit = getattr(request, "mantlet", None)
    return {"csp_nonce": permit.nonce if permit else None}


def _answer(denial: Denial) -> HttpResponseBase:
    response = HttpResponse(denial.body, status=denial.status)
    _replace(response, denial.headers)
    return response


def _edited(exchange: Exchange, response: HttpResponseBase) -> HttpResponseBase:
    own = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    _replace(response, exchange.on_response(response.status_code, own))
    return response


def _replace(response: HttpResponseBase, headers: list[tuple[bytes, bytes]]) -> None:
    for name in [name for name, _ in response.items()]:
        del response[name]
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        # one value for each name: fields of one name are a list (RFC 9110 section 5.3)
        response[name] = f"{response[name]}, {value}" if response.has_header(name) else value
