"""What `manage.py check` says, and what a template without a nonce does."""

from __future__ import annotations

import logging
import pathlib

import pytest
from clients import Wsgi

FIRST = "mantlet.django.MantletMiddleware"


@pytest.fixture
def django(monkeypatch: pytest.MonkeyPatch) -> None:
    import django

    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "django_settings")
    django.setup()


def said(**changed: object) -> list[str]:
    """The ids of the messages of the check under changed settings."""
    from django.core.checks import run_checks
    from django.test.utils import override_settings

    with override_settings(**changed):
        return [message.id for message in run_checks(tags=["security"]) if message.id.startswith("mantlet")]


def test_good_settings_have_no_message(django: None) -> None:
    assert said() == []


def test_a_policy_with_errors_is_an_error_of_the_settings(django: None, tmp_path: pathlib.Path) -> None:
    (tmp_path / "mantlet.toml").write_text('preset = "balenced"\n')
    assert said(MANTLET_POLICY=tmp_path / "mantlet.toml") == ["mantlet.E001"]
    assert said(MANTLET_POLICY=tmp_path / "missing.toml") == ["mantlet.E001"]
    assert said(MANTLET_POLICY=None) == ["mantlet.E001"]


def test_a_middleware_that_is_absent_or_not_first_is_warned_of(django: None) -> None:
    assert said(MIDDLEWARE=[]) == ["mantlet.W001"]
    assert said(MIDDLEWARE=["django.middleware.common.CommonMiddleware", FIRST]) == ["mantlet.W002"]


def test_a_template_without_a_nonce_is_an_error(django: None) -> None:
    from django.template import Context, Template, TemplateSyntaxError

    with pytest.raises(TemplateSyntaxError, match="no nonce here"):
        Template("{% load mantlet %}{% csp_nonce %}").render(Context())


def test_a_denial_is_told_to_the_log_in_one_line(django: None, caplog: pytest.LogCaptureFixture) -> None:
    import django_app

    with caplog.at_level(logging.WARNING, "mantlet"):
        Wsgi(django_app.app).ask("POST", "/notes\n", [("sec-fetch-site", "cross-site")])
    (line,) = [record.getMessage() for record in caplog.records if record.name == "mantlet"]
    assert line.startswith("denied: POST /notes%0A: origin.cross-site (")


def test_a_header_of_the_application_and_one_of_the_policy_become_one_list(django: None) -> None:
    from django.http import HttpResponse
    from django.test import RequestFactory
    from mantlet.django import MantletMiddleware

    def view(request: object) -> HttpResponse:
        return HttpResponse(headers={"Content-Security-Policy": "img-src 'none'"})

    response = MantletMiddleware(view)(RequestFactory().get("/", headers={"host": "127.0.0.1"}))
    first, second = response["Content-Security-Policy"].split(", ", 1)
    assert first == "img-src 'none'"
    assert second.startswith("default-src")
