"""Mantlet as a Flask extension: the whole application behind the policy, and `csp_nonce()` in templates.

    mantlet = Mantlet(app, policy="mantlet.toml")

It wraps `app.wsgi_app`, so that what other middleware and Flask itself answer passes the policy too: 404, 500, static
files. Middleware that is wrapped around `app.wsgi_app` later stands outside of it.
"""

import os

from flask import Flask, request

from mantlet import Mantlet as Middleware
from mantlet import Permit, Policy, Preset

__all__ = ["Mantlet", "csp_nonce", "current_permit"]


class Mantlet:
    """The extension. `policy` is the path of a policy file, a `Policy` or a `Preset`.

    Without a policy it is the path in `app.config["MANTLET_POLICY"]`, else `mantlet.toml`.
    """

    def __init__(
        self, app: Flask | None = None, policy: str | os.PathLike[str] | Policy | Preset | None = None
    ) -> None:
        self._policy = policy
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Puts `app` behind the policy.

        Raises `PolicyError` for a policy with errors, `RuntimeError` for an application that has one already.
        """
        if "mantlet" in app.extensions:
            raise RuntimeError("this application is behind a policy already: one Mantlet for each application")
        policy = self._policy if self._policy is not None else app.config.get("MANTLET_POLICY", "mantlet.toml")
        app.wsgi_app = Middleware(app.wsgi_app, policy=policy)  # type: ignore[assignment, method-assign]
        app.extensions["mantlet"] = self
        app.jinja_env.globals["csp_nonce"] = csp_nonce


def current_permit() -> Permit:
    """The permit of the current request.

    Raises `RuntimeError` outside of a request, and in an application that is not behind a policy.
    """
    permit = request.environ.get("mantlet")
    if not isinstance(permit, Permit):
        raise RuntimeError("no permit in this request: Mantlet(app) or mantlet.init_app(app) first")
    return permit


def csp_nonce() -> str:
    """The nonce of this response's Content-Security-Policy; a Jinja global: `<script nonce="{{ csp_nonce() }}">`.

    Raises `RuntimeError` where the policy has no 'nonce' in a directive.
    """
    nonce = current_permit().nonce
    if nonce is None:
        raise RuntimeError("the policy draws no nonce: write 'nonce' into a directive of [csp], such as script-src")
    return nonce
