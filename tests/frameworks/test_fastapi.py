"""FastAPI: what an endpoint may ask for, where the middleware stands, and HSTS by environment."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from clients import Asgi
from fastapi import FastAPI
from mantlet import Mantlet, Policy
from mantlet.fastapi import Client, CurrentPermit, Nonce

Open = Callable[[object], Asgi]


@pytest.fixture
def opened() -> Iterator[Open]:
    with ExitStack() as stack:

        def start(app: object) -> Asgi:
            client = Asgi(app)
            stack.callback(client.close)
            return client

        yield start


@pytest.fixture
def api() -> FastAPI:
    api = FastAPI()

    @api.get("/who")
    async def who(client: Client, permit: CurrentPermit) -> dict[str, object]:
        return {"client": client, "secure": permit.secure}

    @api.get("/nonce")
    async def nonce(nonce: Nonce) -> str:
        return nonce

    @api.get("/error")
    async def error() -> None:
        raise RuntimeError("not caught")

    return api


def test_an_endpoint_learns_of_the_client(api: FastAPI, opened: Open) -> None:
    client = opened(Mantlet(api, policy=Policy(trusted_proxies=["127.0.0.1"])))
    answer = client.ask("GET", "/who", [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https")])
    assert answer.body == b'{"client":"192.0.2.7","secure":true}'


def test_a_nonce_that_the_policy_does_not_draw_is_an_error_of_the_application(api: FastAPI, opened: Open) -> None:
    assert opened(Mantlet(api, policy=Policy())).ask("GET", "/nonce").status == 500


def test_a_permit_without_a_policy_is_an_error_of_the_application(api: FastAPI, opened: Open) -> None:
    assert opened(api).ask("GET", "/who").status == 500


def test_added_as_a_middleware_it_misses_only_the_error_page(api: FastAPI, opened: Open) -> None:
    api.add_middleware(Mantlet, policy=Policy())
    client = opened(api)
    assert "x-frame-options" in client.ask("GET", "/missing").names
    error = client.ask("GET", "/error")
    assert error.status == 500
    assert "x-frame-options" not in error.names


def test_development_sends_no_hsts(
    api: FastAPI, opened: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "mantlet.toml"
    file.write_text('preset = "api"\n')
    monkeypatch.delenv("MANTLET_ENVIRONMENT", raising=False)
    production = opened(Mantlet(api, policy=file)).ask("GET", "/who", tls=True)
    assert production["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    monkeypatch.setenv("MANTLET_ENVIRONMENT", "development")
    development = opened(Mantlet(api, policy=file)).ask("GET", "/who", tls=True)
    assert "strict-transport-security" not in development.names
    assert "x-frame-options" in development.names
