"""The Flask extension."""

from __future__ import annotations

import pytest
from clients import Wsgi
from flask import Flask, render_template_string
from mantlet import Policy, PolicyError
from mantlet.flask import Mantlet, csp_nonce, current_permit


def test_an_application_may_come_later() -> None:
    app = Flask("later")
    mantlet = Mantlet(policy=Policy())
    mantlet.init_app(app)
    assert app.extensions["mantlet"] is mantlet
    assert "x-frame-options" in Wsgi(app).ask("GET", "/missing").names


def test_the_policy_may_be_in_the_configuration() -> None:
    app = Flask("configured")
    app.config["MANTLET_POLICY"] = Policy(preset="strict")
    Mantlet(app)
    assert Wsgi(app).ask("GET", "/missing")["x-frame-options"] == "DENY"


def test_a_policy_with_errors_is_told_at_once() -> None:
    with pytest.raises(PolicyError):
        Mantlet(Flask("wrong"), policy="missing.toml")


def test_one_application_has_one_policy() -> None:
    app = Flask("twice")
    Mantlet(app, policy=Policy())
    with pytest.raises(RuntimeError, match="one Mantlet"):
        Mantlet(app, policy=Policy())


def test_a_view_learns_of_the_client() -> None:
    app = Flask("who")
    Mantlet(app, policy=Policy(trusted_proxies=["127.0.0.1"]))
    app.add_url_rule("/", view_func=lambda: str(current_permit().client))
    assert Wsgi(app).ask("GET", "/", [("x-forwarded-for", "192.0.2.7")]).body == b"192.0.2.7"


def test_a_nonce_that_the_policy_does_not_draw_is_an_error() -> None:
    app = Flask("none")
    app.testing = True
    Mantlet(app, policy=Policy())
    app.add_url_rule("/", view_func=lambda: render_template_string("{{ csp_nonce() }}"))
    with pytest.raises(RuntimeError, match="draws no nonce"):
        Wsgi(app).ask("GET", "/")


def test_a_permit_outside_of_a_policy_is_an_error() -> None:
    app = Flask("bare")
    with app.test_request_context("/"), pytest.raises(RuntimeError, match="no permit"):
        csp_nonce()
