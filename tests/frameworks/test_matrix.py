"""The same questions for every framework: a page, what goes wrong, a file, a stream, and who may ask."""

from __future__ import annotations

import re

import pytest
from clients import Answer, Asgi, Server, Wsgi
from matrix import HERE, Framework

Client = Asgi | Wsgi | Server

#: of the preset `balanced`, over plain http
PROTECTING = {
    "content-security-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "permissions-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
}


def protected(answer: Answer) -> bool:
    """Whether the answer has each header of the policy, once."""
    return sorted(name for name in answer.names if name in PROTECTING) == sorted(PROTECTING)


@pytest.mark.parametrize(
    ("of", "status"),
    [
        ("page", {200}),
        ("missing", {404}),
        ("error", {500}),
        ("redirect", {301, 302, 303, 307, 308}),
        ("file", {200}),
        ("stream", {200}),
    ],
)
def test_every_response_carries_each_header_once(
    client: Client, framework: Framework, of: str, status: set[int]
) -> None:
    target = {
        "page": "/",
        "missing": framework.missing,
        "error": "/error",
        "redirect": "/old",
        "file": framework.file,
        "stream": "/stream",
    }[of]
    answer = client.ask("GET", target)
    assert answer.status in status
    assert protected(answer), answer.names
    assert "strict-transport-security" not in answer.names
    assert "server" not in answer.names


def test_the_page_has_the_nonce_of_its_response(client: Client, framework: Framework) -> None:
    pages = [client.ask("GET", "/") for _ in range(2)]
    if framework.own_page:
        assert all("nonce-" not in page["content-security-policy"] for page in pages)
        return
    nonces = [re.search(rb'<script nonce="([^"]+)">', page.body) for page in pages]
    for page, nonce in zip(pages, nonces, strict=True):
        assert nonce, page.body
        assert f"'nonce-{nonce[1].decode()}'" in page["content-security-policy"]
    assert nonces[0][1] != nonces[1][1]


def test_what_the_application_says_arrives(client: Client, framework: Framework) -> None:
    assert client.ask("GET", "/old")["location"].removeprefix("http://127.0.0.1").endswith("/")
    assert client.ask("GET", framework.file).body == b"a static file\n"
    assert client.ask("GET", "/stream").body == b"one two three"


def test_a_post_of_another_site_is_denied_and_not_seen(client: Client) -> None:
    before = client.ask("GET", "/notes").body
    denied = client.ask("POST", "/notes", [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], b"x")
    assert denied.status == 403
    assert protected(denied), denied.names
    assert client.ask("GET", "/notes").body == before


def test_a_post_of_the_same_origin_is_seen(client: Client) -> None:
    before = int(client.ask("GET", "/notes").body)
    form = ("content-type", "application/x-www-form-urlencoded")
    taken = client.ask("POST", "/notes", [("sec-fetch-site", "same-origin"), form], b"a=b")
    assert taken.status in (200, 201)
    assert int(client.ask("GET", "/notes").body) == before + 1


@pytest.mark.parametrize(
    "framework", [f for f in HERE if f.judges_websockets], ids=lambda framework: framework.app, indirect=True
)
def test_a_websocket_of_another_site_is_denied(client: Client) -> None:
    handshake = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ]
    assert client.ask("GET", "/", handshake).status == 403


def test_an_unlisted_host_is_denied(client: Client) -> None:
    assert client.ask("GET", "/", [("host", "evil.example")]).status == 400


def test_https_behind_a_trusted_proxy_brings_hsts(client: Client) -> None:
    assert client.ask("GET", "/", [("x-forwarded-proto", "https")], peer="127.0.0.2")["strict-transport-security"]


def test_nobody_else_is_believed_about_https(client: Client) -> None:
    assert "strict-transport-security" not in client.ask("GET", "/", [("x-forwarded-proto", "https")]).names
