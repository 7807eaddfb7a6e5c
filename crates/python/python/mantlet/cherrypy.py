"""Mantlet as a CherryPy tool, for applications that are not wrapped as WSGI.

    mantlet.cherrypy.setup(policy="mantlet.toml")
    cherrypy.quickstart(Site(), "/", {"/": {"tools.mantlet.on": True}})

It judges a request when its resource is found, before the body is read, and edits responses and errors when they
are ready. In a handler, `cherrypy.request.mantlet` is the permit. To wrap the application covers more: what CherryPy
answers before it knows the configuration of a path.
"""

import os

import cherrypy  # type: ignore[import-untyped]

from mantlet import Denial, Policy, Preset
from mantlet._compiled import compiled
from mantlet._hook import judged_environ

__all__ = ["setup"]


def setup(policy: str | os.PathLike[str] | Policy | Preset = "mantlet.toml") -> None:
    """Makes the tool: `tools.mantlet.on` puts a path, and those below it, behind the policy.

    Raises `PolicyError` for a policy with errors.
    """
    cherrypy.tools.mantlet = _Tool(compiled(policy))


class _Denied(cherrypy.HTTPError):  # type: ignore[misc]
    """Ends a request with the response of its denial."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.status)
        self._denial = denial

    def set_response(self) -> None:
        response = cherrypy.serving.response
        response.status, response.body = self._denial.status, [self._denial.body]
        _replace(self._denial.headers)


class _Tool(cherrypy.Tool):  # type: ignore[misc]
    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        super().__init__("on_start_resource", self._checks, "mantlet", priority=0)

    def _setup(self) -> None:
        super()._setup()
        # last: other tools have had their say
        for point in ("before_finalize", "after_error_response"):
            cherrypy.serving.request.hooks.attach(point, self._headers, priority=100)

    def _checks(self) -> None:
        request = cherrypy.serving.request
        request.mantlet_exchange = judged_environ(self._policy, request.wsgi_environ, request)
        request.mantlet = request.mantlet_exchange.permit
        if request.mantlet_exchange.denial is not None:
            raise _Denied(request.mantlet_exchange.denial)

    def _headers(self) -> None:
        exchange = getattr(cherrypy.serving.request, "mantlet_exchange", None)
        # a denial has had its headers
        if exchange is None or exchange.denial is not None:
            return
        response = cherrypy.serving.response
        own = [(name.encode("latin-1"), str(value).encode("latin-1")) for name, value in response.headers.items()]
        _replace(exchange.on_response(int(str(response.status or 200)[:3]), own))


def _replace(headers: list[tuple[bytes, bytes]]) -> None:
    fields = cherrypy.serving.response.headers
    fields.clear()
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        # one value for each name: fields of one name are a list (RFC 9110 section 5.3)
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
