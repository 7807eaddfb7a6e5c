"""Who may ask: hosts, pages of other sites, long fields; before a FastAPI application, and behind nginx."""

import json
import os
import pathlib
import shutil
import sys
from collections.abc import Callable

import pytest
from support import APPS, PATIENCE, Answer, Mantlet, Running, accepts, ask, free_port, until
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

Serve = Callable[..., Mantlet]

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
#: what a browser sends with a form of another site
FORGED = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
TOLD = "Cross-origin request rejected."


def post(port: int, path: str = "/upload", **fields: str) -> Answer:
    """A form that is sent with these fields; `_` in a name stands for `-`."""
    return ask(port, path, "POST", {name.replace("_", "-"): value for name, value in fields.items()}, b"12345")


def test_a_name_that_is_not_listed_is_denied(fastapi: int, serve: Serve) -> None:
    port = serve(fastapi, policy='hosts.allowed = ["app.test", "*.app.test", "127.0.0.1:81"]\n').port
    for host, status in {
        "app.test": 200,
        f"APP.test.:{port}": 200,
        "a.b.app.test": 200,
        "127.0.0.1:81": 200,
        f"127.0.0.1:{port}": 400,
        "app.test.evil.test": 400,
        "notapp.test": 400,
    }.items():
        answer = ask(port, headers={"Host": host})
        assert (host, answer.status) == (host, status)
        assert answer["x-content-type-options"] == "nosniff"
        if status == 400:
            assert json.loads(answer.text) == {"detail": "This service does not answer to that host."}
            assert answer["cache-control"] == "no-store"


def test_the_twin_of_a_listed_name_is_sent_there(fastapi: int, serve: Serve) -> None:
    policy = '[hosts]\nallowed = ["www.app.test", "other.test"]\nwww_redirect = true\n'
    port = serve(fastapi, policy=policy).port
    moved = ask(port, "/items/7?q=1", headers={"Host": f"app.test:{port}"})
    assert (moved.status, moved["location"]) == (301, f"http://www.app.test:{port}/items/7?q=1")
    kept = ask(port, "/upload", "POST", {"Host": "www.other.test"}, b"")
    assert (kept.status, kept["location"]) == (308, "http://other.test/upload")
    assert ask(port, headers={"Host": "www.evil.test"}).status == 400


def test_development_takes_any_name(fastapi: int, serve: Serve) -> None:
    port = serve(fastapi, "--environment", "development", policy='hosts.allowed = ["app.test"]\n').port
    assert ask(port, headers={"Host": "evil.test"}).status == 200


def test_a_probe_by_address_passes_where_its_route_says_so(fastapi: int, serve: Serve) -> None:
    policy = 'hosts.allowed = ["app.test"]\n[[route]]\npath = "/items"\ndanger_any_host = true\n'
    port = serve(fastapi, policy=policy).port
    by_address = {"Host": "10.0.0.7"}
    assert ask(port, "/items/7", headers=by_address).status == 200
    assert ask(port, "/seen", headers=by_address).status == 400
    assert ask(port, "/items/../seen", headers=by_address).status == 400


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/json"),
        ("application/problem+json", "application/problem+json"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/html,*/*;q=0.8", "text/html; charset=utf-8"),
    ],
)
def test_a_form_of_another_site_is_denied_in_the_form_the_client_takes(
    fastapi: int, serve: Serve, accept: str, content_type: str
) -> None:
    proxy = serve(fastapi, "--preset", "balanced")
    answer = post(proxy.port, Accept=accept, **FORGED)
    assert (answer.status, answer["content-type"]) == (403, content_type)
    assert TOLD in answer.text
    assert answer["cache-control"] == "no-store"
    assert "content-security-policy" in answer
    assert "mantlet-reason" not in answer
    if content_type == "application/json":
        assert json.loads(answer.text) == {"detail": TOLD}
    if content_type == "application/problem+json":
        whole = {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": TOLD}
        assert json.loads(answer.text) == whole
    if content_type.startswith("text/plain"):
        assert answer.text == f"{TOLD}\n"
    proxy.says("origin.cross-site")


def test_own_pages_and_programs_pass(fastapi: int, serve: Serve) -> None:
    port = serve(fastapi, "--preset", "balanced").port
    own = f"http://127.0.0.1:{port}"
    assert post(port).status == 200
    assert post(port, Sec_Fetch_Site="same-origin", Origin=own).status == 200
    assert post(port, Origin=own).status == 200
    assert post(port, Sec_Fetch_Site="none").status == 200
    assert post(port, Sec_Fetch_Site="same-site", Origin=own).status == 403
    assert post(port, Origin="null").status == 403
    assert post(port, Origin=f"http://127.0.0.1:{port + 1}").status == 403
    assert ask(port, headers=FORGED).status == 200


def test_the_reason_is_told_where_the_policy_says_so(fastapi: int, serve: Serve) -> None:
    port = serve(fastapi, policy='tell_reason = true\nhosts.allowed = ["app.test"]\n').port
    assert post(port, Host="app.test", **FORGED)["mantlet-reason"] == "origin.cross-site"
    assert post(port, Host="evil.test")["mantlet-reason"] == "host.unknown"
    assert "mantlet-reason" not in post(port, Host="app.test")


def test_an_answer_of_ones_own(fastapi: int, serve: Serve) -> None:
    policy = '[cross_origin]\ndenial = { status = 404, body = "{}", content_type = "application/json" }\n'
    answer = post(serve(fastapi, policy=policy).port, Accept="text/html", **FORGED)
    assert (answer.status, answer["content-type"], answer.text) == (404, "application/json", "{}")


def test_a_field_that_is_too_long_is_denied(fastapi: int, serve: Serve) -> None:
    port = serve(fastapi, policy="tell_reason = true\nmax_field_size = { cookie = 300 }\n").port
    long = post(port, Origin="https://" + "a" * 2048)
    assert (long.status, long["mantlet-reason"]) == (431, "field.too-large")
    assert ask(port, headers={"Cookie": "a" * 300}).status == 200
    assert ask(port, headers={"Cookie": "a" * 301}).status == 431
    assert ask(port, headers={"Authorization": "a" * 8193}).status == 431
    # no check reads it
    assert ask(port, headers={"X-Own": "a" * 30000}).status == 200


def test_a_webhook_is_exempt_and_its_neighbours_are_not(fastapi: int, serve: Serve) -> None:
    port = serve(fastapi, policy='cross_origin.danger_exempt_paths = ["/upload"]\n').port
    assert post(port, "/upload", **FORGED).status == 200
    for path in ("/upload2", "/items/../upload", "/upload/..%2fitems", "//upload", "/items/7"):
        assert post(port, path, **FORGED).status == 403, path


def test_a_rollout_reports_and_a_partner_passes(fastapi: int, serve: Serve) -> None:
    partner = 'allowed_origins = ["https://evil.test"]\n'
    assert post(serve(fastapi, policy=f"[cross_origin]\n{partner}").port, **FORGED).status == 200
    assert post(serve(fastapi, policy='cross_origin.disposition = "report"\n').port, **FORGED).status == 200
    full = 'cross_origin = { disposition = "report", enforce_percent = 100 }\n'
    assert post(serve(fastapi, policy=full).port, **FORGED).status == 403


def test_a_socket_is_opened_by_own_pages_only(fastapi: int, serve: Serve) -> None:
    port = serve(fastapi, "--preset", "balanced").port

    def opened(origin: str | None) -> str | bytes:
        named = None if origin is None else Origin(origin)
        with connect(f"ws://127.0.0.1:{port}/echo", origin=named, open_timeout=PATIENCE, proxy=None) as socket:
            socket.send("here")
            return socket.recv(PATIENCE)

    assert opened(f"http://127.0.0.1:{port}") == "here"
    assert opened(None) == "here"
    with pytest.raises(InvalidStatus) as refused:
        opened("https://evil.test")
    assert refused.value.response.status_code == 403


def test_images_of_other_sites_are_denied_under_isolation(fastapi: int, serve: Serve) -> None:
    policy = 'resource_isolation = true\n[[route]]\npath = "/items"\nresource_isolation = false\n'
    port = serve(fastapi, policy=policy).port
    image = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert ask(port, headers=image).status == 403
    assert ask(port, headers=link).status == 200
    assert ask(port, "/items/7", headers=image).status == 200
    assert "sec-fetch-site" in ask(port)["vary"]


SETTINGS = """
daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log stderr warn;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port};
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-Proto https;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header X-Forwarded-For {address};
        location / {{ proxy_pass http://127.0.0.1:{to}; }}
    }}
}}
"""


@pytest.mark.parametrize("address", ["$remote_addr", "$proxy_add_x_forwarded_for"])
def test_the_application_behind_nginx_logs_the_client(
    started: Callable[..., Running], serve: Serve, tmp_path: pathlib.Path, address: str
) -> None:
    assert NGINX, "nginx is not installed"
    uvicorn = [sys.executable, "-m", "uvicorn", "--app-dir", APPS, "--port", "0", "fastapi_app:app"]
    application = started(uvicorn, tmp_path)
    behind = int(application.says(r"running on http://127\.0\.0\.1:(\d+)")[1])
    proxy = serve(behind, policy='trusted_proxies = ["127.0.0.1"]\nhosts.allowed = ["app.test"]\n')
    port = free_port()
    (tmp_path / "nginx.conf").write_text(SETTINGS.format(port=port, to=proxy.port, address=address))
    nginx = started([NGINX, "-p", f"{tmp_path}/", "-c", "nginx.conf"], tmp_path)
    until(lambda: nginx.process.poll() is not None or accepts(port), "nginx listens")
    # a lie that nginx passes on to the left of what it knows is not read
    lies = {
        "Host": "app.test",
        "X-Forwarded-For": "203.0.113.1",
        "X-Forwarded-Host": "evil.test",
        "Forwarded": "for=203.0.113.2",
    }
    answer = ask(port, "/items/7", headers=lies, source="127.0.0.5")
    assert answer.status == 200
    assert answer["strict-transport-security"]
    application.says(r'127\.0\.0\.5:0 - "GET /items/7 HTTP/1.1" 200')
    assert ask(port, headers={"Host": "evil.test"}).status == 400
    own = {"Host": "app.test", "Origin": "https://app.test"}
    assert ask(port, "/upload", "POST", own, b"1").status == 200
    assert ask(port, "/upload", "POST", own | {"Origin": "https://evil.test"}, b"1").status == 403
