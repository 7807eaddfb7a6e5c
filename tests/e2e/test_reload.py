"""The policy file of a running mantlet, the environment, nonces told to the application."""

import contextlib
import http.client
import json
import os
import pathlib
import re
from collections.abc import Callable

import pytest
from support import Application, Connection, Mantlet, ask, mantlet, until

Serve = Callable[..., Mantlet]
Start = Callable[[Callable[[Connection, str], object]], Application]


@pytest.fixture
def page(application: Start) -> int:
    """The port of an application that answers with the fields it was sent, as JSON."""

    def act(connection: Connection, head: str) -> None:
        lines = [line.partition(": ")[::2] for line in head.split("\r\n")[1:]]
        connection.answer(json.dumps(lines).encode(), "text/html")

    return application(act).port


def policy(referrer: str) -> str:
    return f'preset = "balanced"\n[headers]\nreferrer-policy = "{referrer}"\n'


def replace(path: pathlib.Path, text: str) -> None:
    """Writes it as an editor does: a new file in the place of the old one."""
    fresh = path.with_suffix(".fresh")
    fresh.write_text(text)
    os.replace(fresh, path)


def test_a_change_is_in_force_and_a_broken_file_is_not(page: int, serve: Serve, tmp_path: pathlib.Path) -> None:
    proxy = serve(page, policy=policy("same-origin"))
    file = tmp_path / "mantlet.toml"

    def sent() -> str:
        return ask(proxy.port)["referrer-policy"]

    assert sent() == "same-origin"
    for write in (replace, pathlib.Path.write_text):
        write(file, policy("no-referrer"))
        until(lambda: sent() == "no-referrer", "the new policy is in force")
        write(file, policy("same-origin"))
        until(lambda: sent() == "same-origin", "the old policy is in force again")
    proxy.says(r"mantlet\.toml changed: the new policy is in force, environment production by default")

    replace(file, policy("never"))
    proxy.says(r"mantlet\.toml changed and cannot be used: THE OLD POLICY STAYS IN FORCE")
    proxy.says(r"referrer-policy.*never")
    assert sent() == "same-origin"

    file.unlink()
    assert sent() == "same-origin"
    replace(file, policy("origin"))
    until(lambda: sent() == "origin", "the file is back")


def test_a_change_does_not_touch_the_connection(page: int, serve: Serve, tmp_path: pathlib.Path) -> None:
    proxy = serve(page, policy=policy("same-origin"))
    client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)

    def sent() -> str | None:
        client.request("GET", "/")
        response = client.getresponse()
        response.read()
        return response.getheader("referrer-policy")

    with contextlib.closing(client):
        assert sent() == "same-origin"
        stream = client.sock
        replace(tmp_path / "mantlet.toml", policy("no-referrer"))
        until(lambda: sent() == "no-referrer", "the new policy is in force")
        assert client.sock is stream


def test_a_hangup_reads_what_no_watch_sees(page: int, serve: Serve, tmp_path: pathlib.Path) -> None:
    """The file is a link into another folder, whose changes nobody is told."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "policy.toml").write_text(policy("same-origin"))
    (tmp_path / "mantlet.toml").symlink_to(elsewhere / "policy.toml")
    proxy = serve(page)
    (elsewhere / "policy.toml").write_text(policy("no-referrer"))
    proxy.hang_up()
    proxy.says(r"mantlet\.toml read again: the new policy is in force")
    assert ask(proxy.port)["referrer-policy"] == "no-referrer"
    (elsewhere / "policy.toml").write_text("nonsense = ")
    proxy.hang_up()
    proxy.says(r"mantlet\.toml read again and cannot be used: THE OLD POLICY STAYS IN FORCE")
    assert ask(proxy.port)["referrer-policy"] == "no-referrer"


def test_a_hangup_without_a_file_does_no_harm(page: int, serve: Serve) -> None:
    proxy = serve(page, "--preset", "strict")
    proxy.hang_up()
    proxy.says("there is no file to read again")
    assert ask(proxy.port)["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("file", "variable", "flag", "expected"),
    [
        (None, None, None, "production by default"),
        ("development", None, None, "development by the policy"),
        ("development", "production", None, "production by MANTLET_ENVIRONMENT"),
        (None, "development", None, "development by MANTLET_ENVIRONMENT"),
        ("production", "production", "development", "development by flag"),
        ("development", "development", "production", "production by flag"),
        ("development", "", None, "development by the policy"),
    ],
)
def test_the_environment(
    page: int, serve: Serve, file: str | None, variable: str | None, flag: str | None, expected: str
) -> None:
    text = 'trusted_proxies = ["127.0.0.1/32"]\n' + (f'environment = "{file}"\n' if file else "")
    words = ["--environment", flag] if flag else []
    environment = {} if variable is None else {"MANTLET_ENVIRONMENT": variable}
    proxy = serve(page, *words, policy=text, environment=environment)
    proxy.says(f"policy of mantlet.toml, environment {re.escape(expected)}")
    answer = ask(proxy.port, headers={"X-Forwarded-Proto": "https"})
    production = expected.startswith("production")
    assert ("strict-transport-security" in answer) == production
    assert ("upgrade-insecure-requests" in answer["content-security-policy"]) == production


def test_an_unknown_environment_is_refused(tmp_path: pathlib.Path) -> None:
    variables = {"MANTLET_ENVIRONMENT": "staging"}
    for words in (["serve", "--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0"], ["check"]):
        (tmp_path / "mantlet.toml").write_text("")
        told = mantlet(tmp_path, *words, environment=variables)
        assert told.returncode == 2
        assert "MANTLET_ENVIRONMENT" in told.stderr
        assert "staging" in told.stderr


NONCE = "[csp]\nscript-src = [\"'nonce'\", \"'strict-dynamic'\"]\n"


def test_a_nonce_nobody_is_told_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "mantlet.toml").write_text(NONCE)
    told = mantlet(tmp_path, "serve", "--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0")
    assert told.returncode == 2
    assert "nonce_upstream = true" in told.stderr


def test_a_reload_refuses_it_too(page: int, serve: Serve, tmp_path: pathlib.Path) -> None:
    proxy = serve(page, policy='preset = "strict"\n')
    replace(tmp_path / "mantlet.toml", NONCE)
    proxy.says("cannot be used: THE OLD POLICY STAYS IN FORCE")
    assert "nonce" not in ask(proxy.port)["content-security-policy"]


def test_the_application_is_told_the_nonce(page: int, serve: Serve) -> None:
    proxy = serve(page, policy=f"nonce_upstream = true\n{NONCE}")
    seen = set()
    for _ in range(20):
        answer = ask(proxy.port, headers={"Mantlet-Nonce": "guess", "mantlet-other": "x"})
        told = {name.lower(): value for name, value in json.loads(answer.body)}
        nonce = told["mantlet-nonce"]
        assert f"script-src 'nonce-{nonce}' 'strict-dynamic'" in answer["content-security-policy"]
        assert "guess" not in told.values()
        assert "mantlet-other" not in told
        assert len(nonce) >= 22
        seen.add(nonce)
    assert len(seen) == 20, "a nonce came twice"


def test_without_a_nonce_policy_there_is_no_nonce(page: int, serve: Serve) -> None:
    proxy = serve(page, "--preset", "balanced")
    told = {name.lower() for name, _ in json.loads(ask(proxy.port, headers={"Mantlet-Nonce": "guess"}).body)}
    assert "mantlet-nonce" not in told


def test_plain_http_is_sent_to_https(page: int, serve: Serve) -> None:
    proxy = serve(page, policy='https = "redirect"\ntrusted_proxies = ["127.0.0.1/32"]\n')
    for method, status in (("GET", 301), ("POST", 308)):
        answer = ask(proxy.port, "/a?b=c", method, headers={"Host": "app.test"})
        assert (answer.status, answer["location"]) == (status, "https://app.test/a?b=c")
        assert answer["x-content-type-options"] == "nosniff"
    assert ask(proxy.port, headers={"X-Forwarded-Proto": "https"}).status == 200
    development = serve(page, "--environment", "development", policy='https = "redirect"\n')
    assert ask(development.port).status == 200
