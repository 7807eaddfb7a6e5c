"""A FastAPI application behind mantlet: pages, documentation, uploads, streams, forwarding fields, WebSockets."""

import json
import os
import pathlib
from collections.abc import Callable, Iterator

import pytest
from support import MIB, PATIENCE, Mantlet, added, ask, plain, promised, until, zeros
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

Serve = Callable[..., Mantlet]

POLICY = """
preset = "balanced"

[[route]]
path = "/docs"
overlay = "swagger-ui"

[[route]]
path = "/redoc"
overlay = "redoc"
"""


@pytest.mark.parametrize("path", ["/", "/items/7", "/items/seven", "/nothing", "/openapi.json", "/docs", "/redoc"])
def test_every_path_has_the_section_of_its_route(fastapi: int, serve: Serve, tmp_path: pathlib.Path, path: str) -> None:
    proxy = serve(fastapi, policy=POLICY)
    through, direct = ask(proxy.port, path), ask(fastapi, path)
    assert (through.status, through.body) == (direct.status, direct.body)
    section = added(through, direct)
    assert section == plain(promised(tmp_path, tmp_path / "mantlet.toml", "--path", path))
    assert ("cdn.jsdelivr.net" in section["content-security-policy"]) == (path in ("/docs", "/redoc"))


def test_uploads_with_and_without_a_length(fastapi: int, serve: Serve) -> None:
    port = serve(fastapi, policy=POLICY).port
    length = 32 * MIB
    # http.client sends chunks where it is told no length
    for headers in ({"Content-Length": str(length)}, {}):
        answer = ask(port, "/upload", "POST", headers, zeros(length))
        assert json.loads(answer.text) == {"bytes": length}


def test_events_come_through(fastapi: int, serve: Serve) -> None:
    answer = ask(serve(fastapi, policy=POLICY).port, "/events")
    assert answer["content-type"].startswith("text/event-stream")
    assert answer.text == "data: 0\n\ndata: 1\n\ndata: 2\n\n"


def test_the_application_learns_the_client_from_the_proxy_alone(fastapi: int, serve: Serve) -> None:
    lies = {
        "Host": "app.test",
        "X-Forwarded-For": "203.0.113.1",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "other.test",
        "X-Real-IP": "203.0.113.1",
        "Forwarded": "for=203.0.113.1",
        "Mantlet-Nonce": "guess",
    }

    def seen(port: int) -> dict[str, str]:
        fields = json.loads(ask(port, "/seen", headers=lies).text)["fields"]
        assert len(dict(fields)) == len(fields)
        return {n: v for n, v in fields if n not in ("accept-encoding", "user-agent", "connection")}

    assert seen(serve(fastapi, policy=POLICY).port) == {
        "host": "app.test",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-host": "app.test",
        "x-forwarded-proto": "http",
    }
    trusting = 'trusted_proxies = ["127.0.0.1/32"]\n' + POLICY
    assert seen(serve(fastapi, policy=trusting).port) == {
        "host": "app.test",
        "x-forwarded-for": "203.0.113.1, 127.0.0.1",
        "x-forwarded-host": "other.test",
        "x-forwarded-proto": "https",
        "x-real-ip": "203.0.113.1",
    }


@pytest.mark.parametrize("path", ["/a%2Fb/../c", "/%E4%BD%A0", "/a//b?x=1&x=2&y=%20", "/a;b=c/~d"])
def test_a_path_goes_through_as_it_came(fastapi: int, serve: Serve, path: str) -> None:
    proxy = serve(fastapi, policy=POLICY)
    through, direct = ask(proxy.port, path), ask(fastapi, path)
    assert (through.status, through.body) == (direct.status, direct.body)


@pytest.fixture
def socket(fastapi: int, serve: Serve) -> Iterator[ClientConnection]:
    port = serve(fastapi, policy=POLICY).port
    with connect(f"ws://127.0.0.1:{port}/echo", max_size=None, open_timeout=PATIENCE, proxy=None) as opened:
        yield opened


def test_messages_come_back(socket: ClientConnection) -> None:
    for message in ("text", "ünïcödé", "", b"binary \x00\xff", b"", os.urandom(MIB), "x" * MIB):
        socket.send(message)
        assert socket.recv(PATIENCE) == message
    for number in range(500):
        socket.send(str(number))
    assert [socket.recv(PATIENCE) for _ in range(500)] == [str(number) for number in range(500)]


def test_fragments_and_pings(socket: ClientConnection) -> None:
    socket.send(iter(["one ", "two ", "three"]))
    assert socket.recv(PATIENCE) == "one two three"
    assert socket.ping().wait(PATIENCE)


@pytest.mark.parametrize("code", [1000, 1001, 1011, 4000, 4999])
def test_the_close_code_of_the_application(socket: ClientConnection, code: int) -> None:
    socket.send(f"close {code}")
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(PATIENCE)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (code, "as asked")


def test_the_close_code_of_the_client(fastapi: int, socket: ClientConnection) -> None:
    socket.close(4321)
    until(lambda: json.loads(ask(fastapi, "/closed").text) == {"code": 4321}, "the application learns the code")


def test_a_handshake_is_passed_whole(fastapi: int, serve: Serve) -> None:
    port = serve(fastapi, policy=POLICY).port
    with connect(
        f"ws://127.0.0.1:{port}/echo", subprotocols=[Subprotocol("chat.v1")], compression="deflate", proxy=None
    ) as opened:
        assert opened.subprotocol == "chat.v1"
        assert opened.response is not None
        fields = opened.response.headers
        assert "permessage-deflate" in fields["sec-websocket-extensions"]
        assert fields["x-content-type-options"] == "nosniff"
        opened.send("compressed " * 1000)
        assert opened.recv(PATIENCE) == "compressed " * 1000


def test_a_socket_is_cut_when_the_grace_is_over(fastapi: int, serve: Serve) -> None:
    proxy = serve(fastapi, "--grace", "0.1", policy=POLICY)
    with connect(f"ws://127.0.0.1:{proxy.port}/echo", proxy=None) as opened:
        proxy.process.terminate()
        with pytest.raises(ConnectionClosed):
            opened.recv(PATIENCE)
    assert proxy.ends() == 0
