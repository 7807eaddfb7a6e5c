"""Programs and peers of the tests: started here, waited for with a deadline, stopped by their process id."""

from __future__ import annotations

import contextlib
import http.client
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

ROOT = pathlib.Path(__file__).resolve().parents[2]
APPS = ROOT / "tests" / "apps"
PROGRAM = pathlib.Path(os.environ.get("MANTLET", ROOT / "target" / "debug" / "mantlet")).resolve()
#: how long anything may take before a test fails, in seconds
PATIENCE = 30.0
MIB = 1 << 20
GIB = 1 << 30


def until(find: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
    """The first true answer of `find`, which is asked again and again."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = find()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"not within {patience:g} s: {what}")


def free_port() -> int:
    """A port nobody has: for programs that cannot say which one the system chose."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Running:
    """A program at work, with what it says."""

    def __init__(self, command: list[object], folder: pathlib.Path, environment: dict[str, str] | None = None) -> None:
        self._log = folder / f"{pathlib.Path(str(command[0])).name}-{time.monotonic_ns()}.log"
        variables = {k: v for k, v in os.environ.items() if not k.startswith("MANTLET")}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                cwd=folder,
                env=variables | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def says(self, pattern: str) -> re.Match[str]:
        """Waits until its log has `pattern`."""

        def find() -> re.Match[str] | None:
            found = re.search(pattern, self.log)
            if found is None and self.process.poll() is not None:
                raise AssertionError(f"ended ({self.process.returncode}) before it said {pattern!r}:\n{self.log}")
            return found

        try:
            return until(find, f"{pattern!r} in the log")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.log}") from None

    def ends(self) -> int:
        """Waits for the end; its exit code."""
        return self.process.wait(PATIENCE)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(PATIENCE)


class Mantlet(Running):
    """`mantlet serve` on a port of its own."""

    def __init__(self, folder: pathlib.Path, upstream: int, *words: object, environment: dict[str, str] | None = None):
        command = [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--upstream", f"http://127.0.0.1:{upstream}", *words]
        super().__init__(command, folder, environment)
        self.port = int(self.says(r"http://127\.0\.0\.1:(\d+) -> ")[1])

    def hang_up(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def peak(self) -> int:
        """The most memory it has ever had resident, in bytes (VmHWM)."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found, status
        return int(found[1]) * 1024


def mantlet(
    folder: pathlib.Path, *words: object, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a subcommand to its end."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("MANTLET")}
    return subprocess.run(
        [PROGRAM, *map(str, words)],
        cwd=folder,
        env=variables | (environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@dataclass
class Answer:
    """A response, read to its end."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.fields if known == name.lower()]

    def __getitem__(self, name: str) -> str:
        values = self.all(name)
        assert len(values) == 1, f"{name}: {values}"
        return values[0]

    def __contains__(self, name: str) -> bool:
        return bool(self.all(name))

    @property
    def text(self) -> str:
        return self.body.decode()


def lower(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in fields]


def ask(
    port: int,
    path: str = "/",
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes | Iterable[bytes] | None = None,
    source: str = "127.0.0.1",
) -> Answer:
    """One request over a connection of its own, from a loopback address."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE, source_address=(source, 0))
    with contextlib.closing(client):
        client.request(method, path, body=body, headers=headers or {})
        response = client.getresponse()
        return Answer(response.status, lower(response.getheaders()), response.read())


def promised(folder: pathlib.Path, policy: pathlib.Path, *words: object) -> dict[str, str]:
    """The header section that `mantlet check` promises for an HTML page over https."""
    told = mantlet(folder, "check", policy, *words)
    assert told.returncode == 0, told.stderr
    section = told.stdout.partition("over https gets:\n\n")[2].partition("\n\n")[0]
    fields = dict(line.split(": ", 1) for line in section.splitlines())
    assert fields, told.stdout
    return fields


def plain(section: dict[str, str]) -> dict[str, str]:
    """A promised section as it is over plain http: without what only https may have."""
    fields = {name: value for name, value in section.items() if name != "strict-transport-security"}
    policy = "content-security-policy"
    if policy in fields:
        fields[policy] = fields[policy].replace("; upgrade-insecure-requests", "")
    return fields


#: fields of one connection or moment: they differ between two answers to the same question
MOMENTARY = {"connection", "keep-alive", "date", "transfer-encoding"}


def added(through: Answer, direct: Answer) -> dict[str, str]:
    """What the proxy has put into a header section."""
    theirs = [pair for pair in direct.fields if pair[0] not in MOMENTARY]
    ours = [pair for pair in through.fields if pair[0] not in MOMENTARY]
    for pair in theirs:
        if pair in ours:
            ours.remove(pair)
    assert len({name for name, _ in ours}) == len(ours), f"a field twice: {ours}"
    return dict(ours)


def lost(through: Answer, direct: Answer) -> set[str]:
    """The names that the proxy has taken out of a header section."""
    return {name for name, _ in direct.fields if name not in MOMENTARY and name not in through}


class Connection:
    """The application's end of a connection."""

    def __init__(self, stream: socket.socket) -> None:
        stream.settimeout(PATIENCE)
        self.stream = stream
        self._rest = b""

    def head(self) -> str | None:
        """The next request head; `None` once the proxy has closed."""
        while b"\r\n\r\n" not in self._rest:
            more = self.stream.recv(65536)
            if not more:
                return None
            self._rest += more
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        return head.decode("latin-1")

    def take(self, length: int) -> int:
        """Reads `length` bytes of a body and keeps none of them; how many came."""
        taken = min(length, len(self._rest))
        self._rest = self._rest[taken:]
        buffer = bytearray(MIB)
        while taken < length:
            came = self.stream.recv_into(buffer, min(MIB, length - taken))
            if not came:
                break
            taken += came
        return taken

    def send(self, data: bytes) -> None:
        self.stream.sendall(data)

    def answer(self, body: bytes, content_type: str = "text/html", status: str = "200 OK") -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.send(head.encode() + body)


class Application:
    """An application made of one function, on a thread a connection; the function gets the connection and a head."""

    def __init__(self, act: Callable[[Connection, str], object]) -> None:
        self._act = act
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                stream, _ = self._listener.accept()
                self._connections.append(stream)
                threading.Thread(target=self._serve, args=[stream], daemon=True).start()

    def _serve(self, stream: socket.socket) -> None:
        connection = Connection(stream)
        with stream, contextlib.suppress(OSError):
            while head := connection.head():
                self._act(connection, head)

    def stop(self) -> None:
        # wakes accept, which closing alone would not
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for stream in self._connections:
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)


def field_of(head: str, name: str) -> list[str]:
    """The values of a field in a request head as the application got it."""
    lines = (line.partition(":") for line in head.split("\r\n")[1:])
    return [value.strip() for known, _, value in lines if known.lower() == name.lower()]


def sparse(path: pathlib.Path, size: int) -> pathlib.Path:
    """A file of zeros that takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


def zeros(size: int) -> Iterator[bytes]:
    block = bytes(MIB)
    for _ in range(size // MIB):
        yield block


def download(port: int, path: str) -> int:
    """Reads a body and keeps none of it; how long it was."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(client):
        client.request("GET", path)
        response = client.getresponse()
        assert response.status == 200, response.read()
        buffer, total = bytearray(MIB), 0
        while came := response.readinto(buffer):
            total += came
        return total
