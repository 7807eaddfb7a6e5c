"""Bodies on their way, and applications that are slow, gone or wrong: seen with applications made of one function."""

import contextlib
import http.client
import json
import pathlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from support import GIB, MIB, PATIENCE, Application, Connection, Mantlet, ask, field_of, free_port, mantlet, zeros

Serve = Callable[..., Mantlet]
Start = Callable[[Callable[[Connection, str], object]], Application]


def test_a_chunk_arrives_before_the_next_is_sent(application: Start, serve: Serve) -> None:
    heard = [threading.Event() for _ in range(3)]

    def act(connection: Connection, head: str) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number, event in enumerate(heard):
            data = f"data: {number}\n\n".encode()
            connection.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            assert event.wait(PATIENCE)
        connection.send(b"0\r\n\r\n")

    proxy = serve(application(act).port, "--preset", "balanced")
    client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=PATIENCE)
    with contextlib.closing(client):
        client.request("GET", "/")
        response = client.getresponse()
        assert response.getheader("x-content-type-options") == "nosniff"
        for number, event in enumerate(heard):
            assert response.read1() == f"data: {number}\n\n".encode()
            event.set()
        assert response.read() == b""


def test_an_upload_arrives_before_its_end_is_sent(application: Start, serve: Serve) -> None:
    came = threading.Event()

    def act(connection: Connection, head: str) -> None:
        assert connection.take(5) == 5
        came.set()
        assert connection.take(5) == 5
        connection.answer(b"all of it")

    def halves() -> Iterator[bytes]:
        yield b"first"
        assert came.wait(PATIENCE)
        yield b"later"

    proxy = serve(application(act).port, "--preset", "balanced")
    answer = ask(proxy.port, "/", "POST", {"Content-Length": "10"}, halves())
    assert answer.text == "all of it"


def test_a_gibibyte_goes_up_in_little_memory(application: Start, serve: Serve) -> None:
    def act(connection: Connection, head: str) -> None:
        length = int(field_of(head, "content-length")[0])
        connection.answer(str(connection.take(length)).encode())

    proxy = serve(application(act).port, "--preset", "balanced")
    answer = ask(proxy.port, "/", "PUT", {"Content-Length": str(GIB)}, zeros(GIB))
    assert int(answer.text) == GIB
    assert proxy.peak() < 64 * MIB


def test_a_client_that_does_not_read_holds_the_application_up(application: Start, serve: Serve) -> None:
    """Nothing but the buffers of the sockets fills up: the proxy does not take what it cannot pass on."""
    held = threading.Event()
    sent = 0

    def act(connection: Connection, head: str) -> None:
        nonlocal sent
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIB)
        connection.stream.settimeout(1)
        with contextlib.suppress(TimeoutError):
            while sent < GIB:
                sent += connection.stream.send(bytes(65536))
        held.set()

    proxy = serve(application(act).port, "--preset", "balanced")
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
        assert held.wait(PATIENCE)
    assert sent < 64 * MIB
    assert proxy.peak() < 64 * MIB


def test_an_application_that_does_not_read_holds_the_client_up(application: Start, serve: Serve) -> None:
    over = threading.Event()
    proxy = serve(application(lambda connection, head: over.wait(PATIENCE)).port, "--preset", "balanced")
    sent = 0
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=1) as client:
        client.sendall(b"PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: %d\r\n\r\n" % GIB)
        with contextlib.suppress(TimeoutError):
            while sent < GIB:
                sent += client.send(bytes(65536))
    over.set()
    assert sent < 64 * MIB
    assert proxy.peak() < 64 * MIB


def test_a_client_that_leaves_is_told_to_the_application(application: Start, serve: Serve) -> None:
    left = threading.Event()

    def act(connection: Connection, head: str) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        if connection.stream.recv(1) == b"":
            left.set()

    proxy = serve(application(act).port, "--preset", "balanced")
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
        assert client.recv(65536)
    assert left.wait(PATIENCE)


def test_an_answer_that_breaks_off_is_not_made_whole(application: Start, serve: Serve) -> None:
    def act(connection: Connection, head: str) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        connection.stream.shutdown(socket.SHUT_RDWR)

    proxy = serve(application(act).port, "--preset", "balanced")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        ask(proxy.port)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "upstream.broken"),
        (b"nonsense\r\n\r\n", "upstream.broken"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", None),
    ],
)
def test_no_valid_answer_is_502(application: Start, serve: Serve, answer: bytes, reason: str | None) -> None:
    def act(connection: Connection, head: str) -> None:
        connection.send(answer)
        connection.stream.shutdown(socket.SHUT_RDWR)

    got = ask(serve(application(act).port, "--preset", "balanced", "--tell-reason").port)
    assert got.status == 502
    assert got["x-frame-options"] == "SAMEORIGIN"
    assert got["mantlet-reason"] == (reason or got["mantlet-reason"])


def test_an_application_that_is_down_is_502_with_the_section_and_then_back(application: Start, serve: Serve) -> None:
    port = free_port()
    proxy = serve(port, "--preset", "balanced", "--tell-reason")
    answer = ask(proxy.port)
    assert answer.status == 502
    assert json.loads(answer.text) == {"detail": "The application behind this proxy cannot be reached."}
    assert answer["cache-control"] == "no-store"
    assert answer["content-security-policy"].startswith("default-src 'self'")
    assert answer["x-content-type-options"] == "nosniff"
    assert answer["mantlet-reason"] == "upstream.down"
    assert ask(proxy.port, method="HEAD").body == b""


def test_the_reason_is_told_only_when_asked_to(serve: Serve) -> None:
    answer = ask(serve(free_port(), "--preset", "balanced").port)
    assert answer.status == 502
    assert "mantlet-reason" not in answer


def test_an_application_that_takes_too_long_is_504(application: Start, serve: Serve) -> None:
    over = threading.Event()
    running = application(lambda connection, head: over.wait(PATIENCE))
    proxy = serve(running.port, "--preset", "balanced", "--tell-reason", "--response-timeout", "0.2")
    answer = ask(proxy.port)
    over.set()
    assert (answer.status, answer["mantlet-reason"]) == (504, "upstream.timeout")
    assert answer["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_the_response_in_flight(application: Start, serve: Serve, sign: signal.Signals) -> None:
    stopping = threading.Event()

    def act(connection: Connection, head: str) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        assert stopping.wait(PATIENCE)
        connection.send(b"later")

    proxy = serve(application(act).port, "--preset", "balanced")
    client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=PATIENCE)
    with contextlib.closing(client):
        client.request("GET", "/")
        response = client.getresponse()
        assert response.read(5) == b"first"
        proxy.process.send_signal(sign)
        proxy.says("stopping: waiting for the requests in flight")
        stopping.set()
        assert response.read() == b"later"
    assert proxy.ends() == 0
    proxy.says("stopped")
    with pytest.raises(ConnectionRefusedError):
        ask(proxy.port)


def test_the_grace_has_an_end(application: Start, serve: Serve) -> None:
    over = threading.Event()

    def act(connection: Connection, head: str) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        over.wait(PATIENCE)

    proxy = serve(application(act).port, "--preset", "balanced", "--grace", "0.1")
    client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=PATIENCE)
    with contextlib.closing(client):
        client.request("GET", "/")
        response = client.getresponse()
        proxy.process.terminate()
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            response.read()
    over.set()
    assert proxy.ends() == 0


def test_the_admin_listener_knows_whether_the_application_is_there(serve: Serve, application: Start) -> None:
    running = application(lambda connection, head: connection.answer(b"here"))
    for port, ready in ((running.port, 200), (free_port(), 503)):
        proxy = serve(port, "--preset", "balanced", "--admin", "127.0.0.1:0")
        admin = int(proxy.says(r"admin http://127\.0\.0\.1:(\d+)")[1])
        assert ask(admin, "/healthz").status == 200
        assert ask(admin, "/readyz").status == ready
        assert ask(admin, "/").status == 404
        assert ask(proxy.port, "/healthz").status != 404


def test_a_taken_port_is_said_and_ends_it(serve: Serve, application: Start, tmp_path: pathlib.Path) -> None:
    taken = application(lambda connection, head: None).port
    told = mantlet(tmp_path, "serve", "--listen", f"127.0.0.1:{taken}", "--upstream", "http://127.0.0.1:1")
    assert told.returncode == 1
    assert f"cannot listen on 127.0.0.1:{taken}" in told.stderr
