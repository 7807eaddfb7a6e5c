"""A Redis of the tests' own, on a socket in a folder of its own."""

import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

#: how long it may take to start, or to answer, in seconds
PATIENCE = 20


class Server:
    """A server; as a context manager it ends with it."""

    def __init__(self, *arguments: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._arguments = arguments
        self.socket = str(Path(self._folder.name) / "redis.sock")
        self.url = f"unix://{self.socket}"
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", "0", "--save", "", "--appendonly", "no", "--unixsocket", self.socket]
        self._process = subprocess.Popen([*command, *self._arguments], cwd=self._folder.name, stdout=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                assert self.tell("PING").startswith((b"+PONG", b"-NOAUTH"))
                return
            except OSError:
                assert time.monotonic() < until, "redis-server does not answer"
                time.sleep(0.005)

    def tell(self, command: str) -> bytes:
        """Sends an inline command, and returns the first bytes of the answer."""
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(PATIENCE)
            stream.connect(self.socket)
            stream.sendall(command.encode() + b"\r\n")
            return stream.recv(65_536)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """It takes connections and bytes, and answers nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._folder.cleanup()
