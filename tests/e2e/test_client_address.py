"""Who the client is: told by X-Forwarded-For of a real nginx, by PROXY protocol, and by nobody else."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import struct
from collections.abc import Callable, Iterator

import pytest
from support import PATIENCE, Application, Connection, Mantlet, Running, accepts, ask, free_port, until

Serve = Callable[..., Mantlet]
Start = Callable[[Callable[[Connection, str], object]], Application]

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
SETTINGS = """
daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{to};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto https;
            proxy_set_header X-Forwarded-Host www.example.com;
        }}
    }}
}}
"""
TRUSTING = 'preset = "none"\ntrusted_proxies = ["127.0.0.1"]\n'
ANNOUNCING = TRUSTING + 'client_address = "proxy-protocol"\n'
LIES = {
    "X-Forwarded-For": "198.51.100.1",
    "X-Real-IP": "198.51.100.1",
    "X-Original-URL": "/admin",
    "X-Remote-User": "root",
}
GET = b"GET / HTTP/1.1\r\nHost: example.com\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n"


@pytest.fixture
def mirror(application: Start) -> int:
    """The port of an application that answers with the fields it was sent, as JSON."""

    def act(connection: Connection, head: str) -> None:
        lines = [line.partition(": ")[::2] for line in head.split("\r\n")[1:]]
        connection.answer(json.dumps(lines).encode(), "application/json")

    return application(act).port


def told(body: bytes) -> dict[str, str]:
    """What the application was told, by name; each once."""
    lines = [(name.lower(), value) for name, value in json.loads(body)]
    fields = dict(lines)
    assert len(fields) == len(lines), lines
    return fields


@pytest.fixture
def nginx(tmp_path: pathlib.Path) -> Iterator[Callable[[int], int]]:
    """Starts an nginx before a port; its own port."""
    assert NGINX, "nginx is not installed"
    prefix = tmp_path / "nginx"
    prefix.mkdir()
    started: list[Running] = []

    def start(to: int) -> int:
        port = free_port()
        (prefix / "nginx.conf").write_text(SETTINGS.format(port=port, to=to))
        running = Running([NGINX, "-p", prefix, "-c", "nginx.conf", "-e", "stderr"], prefix)
        started.append(running)
        until(lambda: running.process.poll() is not None or accepts(port), "nginx listens")
        assert running.process.poll() is None, running.log
        return port

    yield start
    for running in started:
        running.stop()


def spoken(port: int, data: bytes) -> tuple[int, bytes] | None:
    """Status and body of the answer to raw bytes; `None` if the connection was closed without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as stream:
        stream.sendall(data)
        response = http.client.HTTPResponse(stream)
        try:
            response.begin()
        except (http.client.RemoteDisconnected, ConnectionResetError):
            return None
        return response.status, response.read()


def announced(port: int, head: bytes) -> dict[str, str]:
    """What the application is told of a request behind a PROXY protocol head."""
    answer = spoken(port, head + GET)
    assert answer is not None and answer[0] == 200, answer
    return told(answer[1])


def from_elsewhere(port: int) -> dict[str, str]:
    """What the application is told of a client at 127.0.0.2, who lies."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE, source_address=("127.0.0.2", 0))
    with contextlib.closing(client):
        client.request("GET", "/", headers=LIES)
        return told(client.getresponse().read())


def binary(source: str, extensions: bytes = b"") -> bytes:
    """A PROXY protocol head of version 2, of an IPv4 client."""
    addresses = socket.inet_aton(source) + socket.inet_aton("198.51.100.9") + struct.pack("!HH", 50000, 443)
    rest = addresses + extensions
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", len(rest)) + rest


def test_of_what_nginx_and_its_client_say_goes_on_what_is_verified(
    mirror: int, serve: Serve, nginx: Callable[[int], int]
) -> None:
    proxy = serve(mirror, policy=TRUSTING)
    fields = from_elsewhere(nginx(proxy.port))
    assert fields["x-forwarded-for"] == "127.0.0.2, 127.0.0.1"
    assert fields["x-forwarded-proto"] == "https"
    assert fields["x-forwarded-host"] == "www.example.com"


def test_a_forgotten_nginx_is_not_believed_and_named_once(
    mirror: int, serve: Serve, nginx: Callable[[int], int]
) -> None:
    proxy = serve(mirror, policy='preset = "none"\n')
    port = nginx(proxy.port)
    for _ in range(3):
        fields = from_elsewhere(port)
        assert fields["x-forwarded-for"] == "127.0.0.1"
        assert fields["x-forwarded-proto"] == "http"
        for name in ("x-real-ip", "x-original-url", "x-remote-user"):
            assert name not in fields
    proxy.says(r'trusted_proxies = \["127\.0\.0\.1"\]')
    assert proxy.log.count("is not trusted") == 1


def test_a_balancer_announces_its_clients(mirror: int, serve: Serve) -> None:
    proxy = serve(mirror, policy=ANNOUNCING)
    fields = announced(proxy.port, b"PROXY TCP4 203.0.113.9 198.51.100.9 50000 443\r\n")
    assert fields["x-forwarded-for"] == "203.0.113.9"
    assert fields["x-forwarded-proto"] == "http"
    by_tls = b"\x20\0\x05\x01\0\0\0\0"
    fields = announced(proxy.port, binary("203.0.113.9", by_tls))
    assert fields["x-forwarded-for"] == "203.0.113.9"
    assert fields["x-forwarded-proto"] == "https"
    # a health check of its own
    assert announced(proxy.port, b"PROXY UNKNOWN\r\n")["x-forwarded-for"] == "127.0.0.1"

    assert spoken(proxy.port, GET) is None
    proxy.says(r"does not begin with a PROXY protocol head.*proxy-protocol\.missing")


def test_a_change_of_the_source_is_in_force_for_new_connections(
    mirror: int, serve: Serve, tmp_path: pathlib.Path
) -> None:
    proxy = serve(mirror, policy=TRUSTING)
    kept = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=PATIENCE)

    def of_kept() -> str:
        kept.request("GET", "/", headers={"X-Forwarded-For": "203.0.113.9"})
        return told(kept.getresponse().read())["x-forwarded-for"]

    assert of_kept() == "203.0.113.9, 127.0.0.1"
    (tmp_path / "mantlet.toml").write_text(ANNOUNCING)
    proxy.says("the new policy is in force")
    assert announced(proxy.port, binary("203.0.113.7"))["x-forwarded-for"] == "203.0.113.7"
    # its fields are those of anybody now
    assert of_kept() == "127.0.0.1"
    kept.close()


def test_a_websocket_of_another_site_is_refused_and_says_why_in_the_log(mirror: int, serve: Serve) -> None:
    proxy = serve(mirror, policy='preset = "balanced"\ntell_reason = true\n')
    handshake = {
        "Host": "example.com",
        "Origin": "https://evil.example",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    refused = ask(proxy.port, "/socket", headers=handshake)
    assert refused.status == 403
    assert refused["mantlet-reason"] == "origin.foreign"
    proxy.says(r'origin\.foreign.*peer=127\.0\.0\.1 client=127\.0\.0\.1.*path="/socket".*cross_origin\.self_origins')
