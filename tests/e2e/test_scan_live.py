"""`mantlet scan URL` and `--list`: sites of the test, on loopback; the demo before and after."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable

import pytest
from support import MIB, PROGRAM, Application, Connection, Running, mantlet


def page(connection: Connection, head: str) -> None:
    if head.startswith("GET / "):
        connection.answer(b"<!doctype html><title>x</title>")
    else:
        connection.answer(b"<p>none", status="404 Not Found")


def test_the_demo_is_an_f_before_and_an_a_plus_after(started: Callable[..., Running], tmp_path: pathlib.Path) -> None:
    demo = started([PROGRAM, "demo", "--assume-https"], tmp_path)
    demo.says("Ctrl-C stops")
    naive, guarded = (
        int(demo.says(rf"{name} +http://127\.0\.0\.1:(\d+)/")[1]) for name in ("A naive site", "by mantlet")
    )
    grades = {}
    for name, port in (("before", naive), ("after", guarded)):
        words = ("--assume-https", "--csrf", "/transfer", "--format", "json")
        told = mantlet(tmp_path, "scan", f"http://127.0.0.1:{port}/", *words)
        assert (told.returncode, told.stderr) == (0, "")
        report = json.loads(told.stdout)
        grades[name] = report["grade"]
        assert [one["rule"] for one in report["waived"]] == ["transport.no-https"]
        worse = [one for one in report["findings"] if one["severity"] != "info"]
        assert bool(worse) == (name == "before"), worse
    assert grades == {"before": "F", "after": "A+"}
    # without the flag, plain http is what it is
    told = mantlet(tmp_path, "scan", f"http://127.0.0.1:{guarded}/", "--fail-below", "B")
    assert told.returncode == 1
    assert "graded C, below B" in told.stderr


def test_what_is_asked_reaches_the_site(application: Callable[..., Application], tmp_path: pathlib.Path) -> None:
    heads = []

    def act(connection: Connection, head: str) -> None:
        heads.append(head)
        page(connection, head)

    port = application(act).port
    fields = ("--header", "X-Key: a", "--cookie", "id=1", "--cookie", "b=2", "--user-agent", "me")
    told = mantlet(
        tmp_path, "scan", f"http://site.test:{port}/", "--resolve", "site.test:127.0.0.1", *fields, "--format", "json"
    )
    assert told.returncode == 0, told.stderr
    assert {head.partition(" ")[0] for head in heads} == {"GET", "OPTIONS"}
    for head in heads:
        lines = head.lower().splitlines()
        assert f"host: site.test:{port}" in lines
        assert {"x-key: a", "cookie: id=1; b=2", "user-agent: me"} <= set(lines)


def test_several_urls_are_a_list_in_their_order(
    application: Callable[..., Application], tmp_path: pathlib.Path
) -> None:
    port = application(page).port
    urls = [f"http://127.0.0.1:{port}/", "http://127.0.0.1:1/", f"http://127.0.0.1:{port}/none"]
    told = mantlet(tmp_path, "scan", *urls, "--format", "json")
    assert told.returncode == 1
    assert "http://127.0.0.1:1/: cannot connect to 127.0.0.1:1" in told.stderr
    first, gone, last = json.loads(told.stdout)
    assert (first["url"], last["url"]) == (urls[0], urls[2])
    assert gone["grade"] is None and "cannot connect" in gone["error"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"\x00\x01\x02\xff\r\n\r\n", "no HTTP response"),
        (b"HTTP/1.1 200 OK\r\nContent-Ty", "truncated"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\nab", "truncated"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "more than 10 redirects"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\njunk",
            "not in its Content-Encoding",
        ),
    ],
)
def test_a_bad_answer_is_a_clear_error(
    application: Callable[..., Application], tmp_path: pathlib.Path, answer: bytes, words: str
) -> None:
    def act(connection: Connection, _: str) -> None:
        connection.send(answer)
        connection.stream.close()

    told = mantlet(tmp_path, "scan", f"http://127.0.0.1:{application(act).port}/")
    assert told.returncode == 1
    assert words in told.stderr
    assert "panicked" not in told.stderr


def test_headers_of_a_hundred_megabytes_are_not_taken(
    application: Callable[..., Application], tmp_path: pathlib.Path
) -> None:
    sent = 0

    def act(connection: Connection, _: str) -> None:
        nonlocal sent
        connection.send(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100):
            connection.send(b"X-Filler: " + b"y" * MIB + b"\r\n")
            sent += MIB

    told = mantlet(tmp_path, "scan", f"http://127.0.0.1:{application(act).port}/")
    assert told.returncode == 1
    assert "the header section is longer than 65536 bytes" in told.stderr
    # what is in the buffers of the system
    assert sent <= 16 * MIB


def test_a_slow_site_costs_the_time_it_has(application: Callable[..., Application], tmp_path: pathlib.Path) -> None:
    port = application(lambda _connection, _head: None).port
    told = mantlet(tmp_path, "scan", f"http://127.0.0.1:{port}/", "--timeout", "0.2")
    assert told.returncode == 1
    assert "no whole page within 200ms" in told.stderr


def test_a_list_is_scanned_and_resumed(application: Callable[..., Application], tmp_path: pathlib.Path) -> None:
    asked = []

    def act(connection: Connection, head: str) -> None:
        asked.append(head.split(" ")[1])
        if head.startswith("GET /junk"):
            connection.send(b"junk\r\n\r\n")
            connection.stream.close()
        else:
            connection.answer(b"<p>x")

    port = application(act).port
    urls = [f"http://127.0.0.1:{port}/{n}" for n in range(30)]
    wrong = [f"http://127.0.0.1:{port}/junk", "no site", "ftp://a.example/"]
    out = tmp_path / "out.ndjson"
    done = {"asked": urls[0], "grade": "A"}
    out.write_text(json.dumps(done) + "\n" + '{"asked": "' + urls[1])
    (tmp_path / "list.txt").write_text("# sites\n\n" + "\n".join(urls + wrong) + "\n")
    words = ("scan", "--list", "list.txt", "--quick", "--resume", out, "--concurrency", "4")
    told = mantlet(tmp_path, *words)
    assert told.returncode == 1
    assert "32 sites, 3 failed" in told.stderr
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert lines[0] == done
    assert sorted(line["asked"] for line in lines) == sorted(urls + wrong)
    assert {line["asked"] for line in lines if "error" in line} == set(wrong)
    assert sorted(asked) == sorted([url.rpartition("/")[2].join(["/", ""]) for url in urls[1:]] + ["/junk"])
    # nothing is left to do
    told = mantlet(tmp_path, *words)
    assert (told.returncode, len(out.read_text().splitlines())) == (0, 33)


def test_a_list_of_grades_can_fail(application: Callable[..., Application], tmp_path: pathlib.Path) -> None:
    port = application(page).port
    (tmp_path / "list.txt").write_text(f"http://127.0.0.1:{port}/\n")
    told = mantlet(tmp_path, "scan", "--list", "list.txt", "--fail-below", "A")
    assert told.returncode == 1
    assert "1 sites graded below A" in told.stderr
    brief = json.loads(told.stdout)
    assert brief["grade"] == "F"
    assert {frozenset(one) for one in brief["findings"]} == {frozenset(("rule", "severity", "message"))}
    told = mantlet(tmp_path, "scan", "--list", "list.txt", "--format", "json")
    assert json.loads(told.stdout)["findings"][0]["remedy"]


@pytest.mark.parametrize(
    "words",
    [
        ("http://a.example/", "capture.json"),
        ("http://",),
        ("http://a.example/", "--proxy", "socks5://h:1"),
        ("http://a.example/", "--header", "no colon"),
        ("http://a.example/", "--ca-file", "missing.pem"),
        ("--list", "missing.txt"),
        ("--list", "list.txt", "--format", "html"),
        ("--list", "list.txt", "--resume", "list.txt"),
        ("http://a.example/", "--resume", "out"),
    ],
)
def test_what_cannot_be_used_is_exit_2(tmp_path: pathlib.Path, words: tuple[str, ...]) -> None:
    (tmp_path / "list.txt").write_text("http://127.0.0.1:1/\n")
    told = mantlet(tmp_path, "scan", *words)
    assert told.returncode == 2, told.stderr
    assert told.stderr
    assert (tmp_path / "list.txt").read_text() == "http://127.0.0.1:1/\n"
