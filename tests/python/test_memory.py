"""Nothing of a request outlives it, whatever the application keeps where."""

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drive import Message, Receive, Send, answer, environ, scope
from mantlet import Mantlet, Policy

REQUESTS = 40_000


class Marker:
    """Counts what is alive."""

    alive = 0

    def __init__(self) -> None:
        Marker.alive += 1

    def __del__(self) -> None:
        Marker.alive -= 1


@pytest.fixture(autouse=True)
def _count() -> Iterator[None]:
    gc.collect()
    Marker.alive = 0
    yield


def finished(coroutine: Any) -> None:
    with pytest.raises(StopIteration):
        coroutine.send(None)


def resident() -> int:
    """Kilobytes of memory in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4


def asgi_request(wrapped: Any) -> None:
    facts = scope(marker=Marker())

    async def send(message: Message) -> None:
        facts["sent"] = message

    coroutine = wrapped(facts, print, send)
    try:
        coroutine.send(None)
    except StopIteration:
        pass
    else:
        pytest.fail("waits for something")


async def keeps_its_send(scope: Message, receive: Receive, send: Send) -> None:
    scope["own send"] = send
    await send({"type": "http.response.start", "status": 200, "headers": [(b"server", b"a")]})


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("text", ["", "[csp]\nscript-src = [\"'nonce'\"]"], ids=["fixed", "nonce"])
def test_requests_in_cycles_do_not_grow(text: str) -> None:
    wrapped = Mantlet(keeps_its_send, Policy(text))
    for _ in range(REQUESTS // 4):
        asgi_request(wrapped)
    gc.collect()
    before = resident()
    for _ in range(REQUESTS):
        asgi_request(wrapped)
    gc.collect()
    assert Marker.alive == 0
    # a Send that the collector cannot see through costs some 600 bytes a request: 24 MB
    assert resident() - before < 4096


def test_calls_in_cycles_do_not_grow() -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environ["own start"] = start_response
        start_response("200 OK", [])
        return []

    wrapped = Mantlet(app, Policy())
    for _ in range(REQUESTS):
        facts = environ(marker=Marker())

        def start(status: str, headers: Any, facts: Any = facts) -> Any:
            facts["started"] = status

        wrapped(facts, start)
        start.__defaults__ = (facts, start)
        del start, facts
    gc.collect()
    assert Marker.alive == 0


def test_a_middleware_is_collected_with_its_application() -> None:
    class App:
        def __init__(self) -> None:
            self.marker = Marker()
            self.outer = Mantlet(self, Policy())

        async def __call__(self, scope: Message, receive: Receive, send: Send) -> None: ...

    for _ in range(10):
        App()
    wrapped = weakref.ref(Mantlet(answer(), Policy()))
    gc.collect()
    assert wrapped() is None
    assert Marker.alive == 0


def test_the_collector_may_run_while_a_middleware_is_made() -> None:
    """CPython makes the dict of an instance, which may start the collector, before the instance is written."""
    program = """if True:
        import gc, warnings
        import mantlet
        from mantlet.middleware import SecureASGIMiddleware, SecureWSGIMiddleware

        class Ours(mantlet.Mantlet):
            pass

        class OurHeaders(SecureASGIMiddleware):
            pass

        warnings.simplefilter("ignore")
        policy = mantlet.Policy(preset="none")
        gc.set_threshold(1, 1, 1)
        for _ in range(20):
            [made(print, policy) for made in (mantlet.Mantlet, Ours)]
            [made(print) for made in (SecureASGIMiddleware, SecureWSGIMiddleware, OurHeaders)]
    """
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
