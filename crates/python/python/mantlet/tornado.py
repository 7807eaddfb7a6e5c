"""Mantlet in front of a Tornado application, on Tornado's own server.

    server = HTTPServer(mantlet.tornado.Mantlet(app, policy="mantlet.toml"))

It stands between the connection and the application, so that every response passes it: 404, 500, files, streams, the
101 of a WebSocket. In a handler, `permit(self.request)` is the permit: `permit(self.request).nonce`. A WSGI application
in a `WSGIContainer` is wrapped inside of it: `WSGIContainer(mantlet.Mantlet(wsgi_app))`. The cost function of a limit
is given the `RequestStartLine`.
"""

import http.client
import os
from collections.abc import Awaitable
from typing import Any, cast

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import SSLIOStream

from mantlet import Exchange, Permit, Policy, Preset
from mantlet._compiled import compiled
from mantlet._hook import judged, judged_async, split_target

__all__ = ["Mantlet", "permit"]


def permit(request: HTTPServerRequest) -> Permit:
    """The permit of this request.

    Raises `RuntimeError` where no `Mantlet` stands in front of the application.
    """
    found = request.connection
    if not isinstance(found, _Connection) or found.exchange is None or found.exchange.permit is None:
        raise RuntimeError("no permit in this request: serve the application by HTTPServer(Mantlet(app, policy=...))")
    return found.exchange.permit


class Mantlet(HTTPServerConnectionDelegate):
    """The application behind the policy, for `HTTPServer`."""

    def __init__(
        self, app: HTTPServerConnectionDelegate, policy: str | os.PathLike[str] | Policy | Preset = "mantlet.toml"
    ) -> None:
        """Raises `PolicyError` for a policy with errors."""
        self._app = app
        self._policy = compiled(policy)

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        return _Request(self._policy, self._app, server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        self._app.on_close(server_conn)


class _Connection:
    """The connection as the application sees it: what it writes passes the policy."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.exchange: Exchange | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def write_headers(
        self, start_line: ResponseStartLine, headers: HTTPHeaders, chunk: bytes | None = None
    ) -> Awaitable[None]:
        # 100 Continue and its kind are not the response
        if self.exchange is not None and (start_line.code >= 200 or start_line.code == 101):
            own = [(name.encode(), value.encode("latin-1")) for name, value in headers.get_all()]
            headers = _fields(self.exchange.on_response(start_line.code, own))
        return cast(Awaitable[None], self._connection.write_headers(start_line, headers, chunk))


class _Request(HTTPMessageDelegate):
    """One request: judged when its head is read, then handed to the application."""

    def __init__(self, policy: Policy, app: HTTPServerConnectionDelegate, server_conn: object, connection: Any) -> None:
        self._policy = policy
        self._connection = _Connection(connection)
        self._is_closed = False
        self._app: HTTPMessageDelegate | None = app.start_request(server_conn, cast(HTTPConnection, self._connection))

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        connection, start = self._connection, cast(RequestStartLine, start_line)
        path, query, authority = split_target(start.path.encode("latin-1"))
        # the address of the socket: `remote_ip` may come from a header (xheaders)
        address = getattr(connection.context, "address", None)
        asked: dict[str, Any] = {
            "method": start.method,
            "path": path,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.get_all()],
            "query": query,
            "peer": address[0] if isinstance(address, tuple) else None,
            "tls": isinstance(connection.stream, SSLIOStream),
            "authority": authority,
            "request": start,
        }
        if self._policy.store_state() is None:
            return self._go_on(judged(self._policy, **asked), start_line, headers)
        return self._wait(asked, start_line, headers)

    async def _wait(
        self, asked: dict[str, Any], start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        exchange = await judged_async(self._policy, **asked)
        if self._is_closed:
            return
        going_on = self._go_on(exchange, start_line, headers)
        if going_on is not None:
            await going_on

    def _go_on(
        self, exchange: Exchange, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        connection, denial = self._connection, exchange.denial
        if denial is not None:
            self._app = None
            line = ResponseStartLine("HTTP/1.1", denial.status, http.client.responses.get(denial.status, "Denied"))
            connection.write_headers(line, _fields(denial.headers), denial.body)
            connection.finish()
            return None
        connection.exchange = exchange
        return self._app.headers_received(start_line, headers) if self._app else None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._app.data_received(chunk) if self._app else None

    def finish(self) -> None:
        if self._app:
            self._app.finish()

    def on_connection_close(self) -> None:
        self._is_closed = True
        if self._app:
            self._app.on_connection_close()


def _fields(headers: list[tuple[bytes, bytes]]) -> HTTPHeaders:
    fields = HTTPHeaders()
    for name, value in headers:
        fields.add(name.decode(), value.decode("latin-1"))
    return fields
