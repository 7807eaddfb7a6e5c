"""Limits behind every framework, and on a Redis behind those with a server of their own."""

from __future__ import annotations

import pathlib
import sys

import pytest
from clients import APPS, Answer, Asgi, Server, Wsgi, opened
from matrix import HERE

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "python"))
from redis_server import Server as Redis

Client = Asgi | Wsgi | Server


def asked(client: Client, number: int) -> list[Answer]:
    return [client.ask("GET", "/login") for _ in range(number)]


@pytest.mark.parametrize("framework", [f for f in HERE if not f.own_page], ids=lambda f: f.app, indirect=True)
def test_the_sixth_login_of_an_hour_is_denied(client: Client) -> None:
    answers = asked(client, 6)
    assert [answer.status == 429 for answer in answers] == [False] * 5 + [True]
    assert answers[0]["ratelimit"].startswith('"login";r=4;t=')
    # an hour for five: the next in twelve minutes, and spread
    assert 700 < int(answers[5]["retry-after"]) <= 900
    assert answers[5]["content-type"].startswith("application/problem+json")
    assert b'"violated-policies":["login"]' in answers[5].body
    assert "x-content-type-options" in answers[5].names
    assert client.ask("GET", "/").status == 200


def test_limits_that_python_says_are_in_the_permit(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("fastapi", reason="of the other environment")
    client = opened("limits_app", "asgi", tmp_path / "log")
    try:
        assert client.ask("GET", "/left").body == b'{"per-client":99}'
        assert [client.ask("POST", "/login").status for _ in range(4)] == [404, 404, 404, 429]
        # a request that one limit denies takes nothing of another
        assert client.ask("GET", "/left").body == b'{"per-client":95}'
    finally:
        client.close()


@pytest.mark.parametrize("framework", [f.app for f in HERE if f.how == "server"])
def test_a_framework_with_a_server_of_its_own_asks_the_store(framework: str, tmp_path: pathlib.Path) -> None:
    with Redis() as redis:
        policy = (APPS / "mantlet.toml").read_text()
        store = f"store = 'redis'\non_error = 'closed'\n[store.redis]\nurl = '{redis.url}'\ntimeout = '10s'\n"
        (tmp_path / "mantlet.toml").write_text(policy + store)
        (tmp_path / "static").symlink_to(APPS / "static")
        statuses = []
        # one after the other: they share the limit
        for log in ("one.log", "two.log"):
            server = Server(framework, tmp_path / log, tmp_path)
            try:
                statuses += [answer.status for answer in asked(server, 3)]
            finally:
                server.close()
    assert [status == 429 for status in statuses] == [False] * 5 + [True]
    assert 503 not in statuses
