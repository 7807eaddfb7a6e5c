"""Where a CORS middleware goes, and why."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from clients import Asgi

PARTNER = [("origin", "https://partner.example"), ("sec-fetch-site", "cross-site")]
STRANGER = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]
PREFLIGHT = [("access-control-request-method", "POST")]
POLICY = {"content-security-policy", "x-content-type-options", "x-frame-options"}


@pytest.fixture
def module() -> Any:
    return importlib.import_module("cors_app")


@pytest.fixture
def client(module: Any) -> Iterator[Asgi]:
    client = Asgi(module.app)
    yield client
    client.close()


def test_a_preflight_is_answered_with_the_headers_of_both(client: Asgi) -> None:
    answer = client.ask("OPTIONS", "/notes", [*PARTNER, *PREFLIGHT])
    assert answer.status == 200
    assert answer["access-control-allow-origin"] == "https://partner.example"
    assert set(answer.names) >= POLICY


def test_an_allowed_origin_may_post_and_read(client: Asgi) -> None:
    answer = client.ask("POST", "/notes", PARTNER)
    assert answer.status == 200
    assert answer["access-control-allow-origin"] == "https://partner.example"


def test_another_origin_is_denied_and_may_not_read_why(client: Asgi, module: Any) -> None:
    before = len(module.notes)
    answer = client.ask("POST", "/notes", STRANGER)
    assert answer.status == 403
    assert "access-control-allow-origin" not in answer.names
    assert len(module.notes) == before


def test_cors_alone_lets_the_post_of_another_origin_through(module: Any) -> None:
    before = len(module.notes)
    inside = Asgi(module.api)
    assert inside.ask("POST", "/notes", STRANGER).status == 200
    inside.close()
    assert len(module.notes) == before + 1


def test_outside_of_the_policy_cors_answers_a_preflight_without_its_headers(module: Any) -> None:
    from fastapi.middleware.cors import CORSMiddleware

    outside = Asgi(CORSMiddleware(module.app, allow_origins=module.PARTNERS, allow_methods=["POST"]))
    answer = outside.ask("OPTIONS", "/notes", [*PARTNER, *PREFLIGHT])
    outside.close()
    assert answer.status == 200
    assert POLICY.isdisjoint(answer.names)
