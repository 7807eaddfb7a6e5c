"""Debian's nginx behind mantlet: ranges, conditional requests, compression, keep-alive, large files."""

import contextlib
import http.client
import os
import pathlib
import shutil
from collections.abc import Callable, Iterator

import pytest
from support import (
    GIB,
    MIB,
    PATIENCE,
    Mantlet,
    Running,
    accepts,
    added,
    ask,
    download,
    free_port,
    plain,
    promised,
    sparse,
    until,
)

PROGRAM = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
SETTINGS = """
daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log off; sendfile on; gzip on; gzip_min_length 0; default_type application/octet-stream;
    types {{ text/html html; text/plain txt; }}
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port};
        root files;
        location = /moved {{ return 301 /index.html; }}
        location = /teapot {{ return 418; }}
        location = /framed {{
            add_header X-Frame-Options DENY;
            add_header Server-Timing a;
            try_files /index.html =404;
        }}
    }}
}}
"""
TEXT = "".join(f"line {number}\n" for number in range(2000))


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, pathlib.Path]]:
    """The port of an nginx with a prefix of its own, and the folder whose files it serves."""
    assert PROGRAM, "nginx is not installed"
    prefix = tmp_path_factory.mktemp("nginx")
    files = prefix / "files"
    files.mkdir()
    # started by root, nginx would drop to www-data, which may not enter here: without a master it does not
    (files / "index.html").write_text("<!doctype html><title>nginx</title><p>Here.")
    (files / "text.txt").write_text(TEXT)
    port = free_port()
    (prefix / "nginx.conf").write_text(SETTINGS.format(port=port))
    running = Running([PROGRAM, "-p", f"{prefix}/", "-c", "nginx.conf"], prefix)
    try:
        until(lambda: running.process.poll() is not None or accepts(port), "nginx listens")
        assert running.process.poll() is None, running.log
        yield port, files
    finally:
        running.stop()


@pytest.mark.parametrize("path", ["/", "/nothing", "/moved", "/teapot"])
def test_every_status_has_the_section(
    nginx: tuple[int, pathlib.Path], serve: Callable[..., Mantlet], tmp_path: pathlib.Path, path: str
) -> None:
    proxy = serve(nginx[0], policy='preset = "balanced"\n')
    host = {"Host": "app.test"}
    through, direct = ask(proxy.port, path, headers=host), ask(nginx[0], path, headers=host)
    assert (through.status, through.body) == (direct.status, direct.body)
    assert added(through, direct) == plain(promised(tmp_path, tmp_path / "mantlet.toml"))
    assert "server" not in through


def test_the_policy_replaces_what_the_application_said(
    nginx: tuple[int, pathlib.Path], serve: Callable[..., Mantlet]
) -> None:
    answer = ask(serve(nginx[0], "--preset", "balanced").port, "/framed")
    assert answer.all("x-frame-options") == ["SAMEORIGIN"]
    assert answer.all("server-timing") == ["a"]


def test_ranges(nginx: tuple[int, pathlib.Path], serve: Callable[..., Mantlet]) -> None:
    port = serve(nginx[0], "--preset", "balanced").port
    part = ask(port, "/text.txt", headers={"Range": "bytes=10-19"})
    assert (part.status, part.text) == (206, TEXT[10:20])
    assert part["content-range"] == f"bytes 10-19/{len(TEXT)}"
    end = ask(port, "/text.txt", headers={"Range": "bytes=-5"})
    assert (end.status, end.text) == (206, TEXT[-5:])
    several = ask(port, "/text.txt", headers={"Range": "bytes=0-1,4-5"})
    assert several.status == 206
    assert several["content-type"].startswith("multipart/byteranges")
    beyond = ask(port, "/text.txt", headers={"Range": "bytes=999999-"})
    assert beyond.status == 416
    for answer in (part, end, several, beyond):
        assert answer["x-content-type-options"] == "nosniff"


def test_compression_and_validators_come_through(
    nginx: tuple[int, pathlib.Path], serve: Callable[..., Mantlet]
) -> None:
    port = serve(nginx[0], "--preset", "balanced").port
    headers = {"Accept-Encoding": "gzip", "Host": "app.test"}
    direct, through = ask(nginx[0], headers=headers), ask(port, headers=headers)
    assert through["content-encoding"] == "gzip"
    assert through.body == direct.body
    again = ask(port, headers=headers | {"If-None-Match": through["etag"]})
    assert (again.status, again.body) == (304, b"")


def test_many_requests_on_one_connection(nginx: tuple[int, pathlib.Path], serve: Callable[..., Mantlet]) -> None:
    proxy = serve(nginx[0], "--preset", "balanced", "--workers", 1)
    client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=PATIENCE)
    with contextlib.closing(client):
        client.connect()
        stream = client.sock
        for number in range(200):
            client.request(("GET", "HEAD")[number % 2], ("/text.txt", "/nothing", "/")[number % 3])
            response = client.getresponse()
            response.read()
            assert response.getheader("x-content-type-options") == "nosniff"
            assert client.sock is stream, "the proxy closed the connection"


def test_a_gibibyte_comes_through_in_little_memory(
    nginx: tuple[int, pathlib.Path], serve: Callable[..., Mantlet]
) -> None:
    port, folder = nginx
    sparse(folder / "large.bin", GIB)
    proxy = serve(port, "--preset", "balanced")
    assert download(proxy.port, "/large.bin") == GIB
    assert proxy.peak() < 64 * MIB
