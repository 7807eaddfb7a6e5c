"""Limits that several processes share, asked from an event loop.

One connection for each event loop; the questions of all its requests travel on it in order, and nobody waits for
another's answer to ask. What is asked, what an answer means, who is given up and when the store is not asked at all is
decided in Rust; here is the transport. A process that was forked has connections of its own.

Only a request whose policy has a limit with `store = "redis"` comes here. Under trio there is no loop of asyncio: each
limit does what its `on_error` says.
"""

from __future__ import annotations

import asyncio
import functools
import os
import ssl
from collections.abc import Awaitable
from typing import Any, cast

from mantlet._mantlet import Exchange, _Store, _Waiting

#: what clients of Redis raise, and the word for it
_WORDS = {
    "TimeoutError": "timeout",
    "AuthenticationError": "refused",
    "AuthorizationError": "refused",
    "NoPermissionError": "refused",
    "OutOfMemoryError": "out_of_memory",
    "ReadOnlyError": "read_only",
    "BusyLoadingError": "loading",
    "ClusterDownError": "cluster_down",
    "ResponseError": "server",
}


async def asgi(waiting: _Waiting) -> None:
    """Waits for the store, then for the application or for the answer of a denial."""
    await _answered(waiting)
    going_on = cast(Awaitable[None], waiting.resume())
    if waiting.store.client is not None:
        await _give_back(waiting)
    await going_on


async def hook(waiting: _Waiting) -> Exchange:
    """Waits for the store."""
    await _answered(waiting)
    exchange = cast(Exchange, waiting.resume())
    if waiting.store.client is not None:
        await _give_back(waiting)
    return exchange


async def decided(exchange: Exchange) -> Exchange:
    """The exchange of a request that waits for nothing."""
    return exchange


def block(waiting: _Waiting) -> None:
    """Asks over the application's client, in a host that blocks."""
    client = waiting.store.client
    try:
        for question in range(len(waiting)):
            try:
                numbers = client.evalsha(*_arguments(waiting.words(question, False)))
            except Exception as error:
                if not _wants_script(error):
                    raise
                numbers = client.eval(*_arguments(waiting.words(question, True)))
            if asyncio.iscoroutine(numbers):
                numbers.close()
                raise TypeError("redis is a client of asyncio, and this host blocks: hand in a redis.Redis")
            waiting.answer(question, numbers)
    except Exception as error:
        waiting.give_up(_word(error), str(error))


async def _answered(waiting: _Waiting) -> None:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError as error:
        # trio
        return waiting.give_up("unreachable", str(error))
    store = waiting.store
    known: _Redis | None = store.loops.get(loop)
    if known is not None and known.process == os.getpid():
        return await known.ask(waiting)
    if store.client is not None:
        return await _ask_client(store, waiting)
    if store.address is None:
        # sentinels and clusters: over the client that blocks, on a thread of the loop's
        return await loop.run_in_executor(None, store.block_for, waiting)
    for other in list(store.loops):
        if other.is_closed():
            store.loops.pop(other, None)
    known = store.loops[loop] = _Redis(store, loop)
    await known.ask(waiting)


class _Redis:
    """What one event loop has of a store: a connection, and a new one once that has broken."""

    __slots__ = ("_connection", "_loop", "_store", "_timeout", "process")

    def __init__(self, store: _Store, loop: asyncio.AbstractEventLoop) -> None:
        self.process = os.getpid()
        self._store = store
        self._loop = loop
        self._timeout = store.timeout
        self._connection: _Connection | None = None

    def ask(self, waiting: _Waiting) -> asyncio.Future[None]:
        """Is done when `waiting` has been answered, or given up."""
        connection = self._connection
        if connection is None or connection.is_over:
            connection = self._connection = _Connection(self._store, self._loop)
        future = self._loop.create_future()
        connection.ask(waiting, future, self._loop.time() + self._timeout)
        return future


class _Connection(asyncio.Protocol):
    """One connection. What is asked before it is made goes out when it is."""

    def __init__(self, store: _Store, loop: asyncio.AbstractEventLoop) -> None:
        self.is_over = False
        self._store = store
        self._loop = loop
        self._line = store.line()
        self._transport: asyncio.Transport | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._dialling = loop.create_task(self._dial())

    def ask(self, waiting: _Waiting, future: asyncio.Future[None], deadline: float) -> None:
        self._line.ask(waiting, future, deadline)
        if self._transport is not None:
            self._transport.write(self._line.unsent())
        if self._expiry is None:
            self._expiry = self._loop.call_at(deadline, self._expire)

    async def _dial(self) -> None:
        try:
            await asyncio.wait_for(self._connect(), self._store.connect_timeout)
        except (OSError, ValueError, asyncio.TimeoutError) as error:
            self._end(str(error) or "no connection in time")
        except asyncio.CancelledError:
            self._end("the event loop ends")
            raise

    async def _connect(self) -> None:
        address, tls = self._store.address, self._store.tls
        if isinstance(address, tuple):
            host, port = address
            context = None if tls is None else _context(tls)
            await self._loop.create_connection(lambda: self, host, port, ssl=context)
        else:
            await self._loop.create_unix_connection(lambda: self, str(address))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.is_over:
            cast(asyncio.Transport, transport).abort()
            return
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._line.unsent())

    def data_received(self, data: bytes) -> None:
        try:
            again = self._line.feed(data)
        except ConnectionError as error:
            self._end(str(error))
            return
        if again and self._transport is not None:
            self._transport.write(self._line.unsent())

    def connection_lost(self, error: Exception | None) -> None:
        self._end(str(error or "closed by the server"))

    def _expire(self) -> None:
        following = self._line.expire(self._loop.time())
        self._expiry = None if following is None else self._loop.call_at(following, self._expire)
        if not self._store.is_well:
            # a host that vanished never closes its connections: the next one is new
            self._end("no answer in time")

    def _end(self, why: str) -> None:
        self.is_over = True
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        self._line.broke(why)


@functools.lru_cache(maxsize=16)
def _context(tls: tuple[Any, Any, Any]) -> ssl.SSLContext:
    ca, certificate, key = tls
    context = ssl.create_default_context(cafile=ca)
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


async def _ask_client(store: _Store, waiting: _Waiting) -> None:
    try:
        await asyncio.wait_for(_evaluated(store.client, waiting), store.timeout)
    except Exception as error:
        waiting.give_up(_word(error), str(error))


async def _evaluated(client: Any, waiting: _Waiting) -> None:
    for question in range(len(waiting)):
        try:
            numbers = await client.evalsha(*_arguments(waiting.words(question, False)))
        except Exception as error:
            if not _wants_script(error):
                raise
            numbers = await client.eval(*_arguments(waiting.words(question, True)))
        waiting.answer(question, numbers)


async def _give_back(waiting: _Waiting) -> None:
    store = waiting.store
    for words in waiting.given_back():
        try:
            await asyncio.wait_for(store.client.eval(*_arguments(words)), store.timeout)
        except Exception:
            # it comes back with time
            return


def _arguments(words: list[bytes]) -> list[Any]:
    """What `evalsha` and `eval` take: the script, how many keys, and the rest."""
    _, script, keys, *rest = words
    return [script.decode(), int(keys), *rest]


def _wants_script(error: Exception) -> bool:
    return type(error).__name__ == "NoScriptError" or str(error).startswith("NOSCRIPT")


def _word(error: Exception) -> str:
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((_WORDS[name] for name in names if name in _WORDS), "unreachable")
