"""What a FastAPI endpoint may ask for: the nonce and the client, as dependencies.

    app = Mantlet(api, policy="mantlet.toml")

    @api.get("/", response_class=HTMLResponse)
    async def page(nonce: Nonce, client: Client) -> str: ...

`Mantlet` wraps the application; the dependencies read `request.scope["mantlet"]`, so they work behind
`api.add_middleware(Mantlet, ...)` too.
"""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from mantlet import Permit

__all__ = ["Client", "CurrentPermit", "Nonce", "client", "nonce", "permit"]


def permit(connection: HTTPConnection) -> Permit:
    """The permit of this request or WebSocket.

    Raises `RuntimeError` where no `Mantlet` stands in front of the application.
    """
    found = connection.scope.get("mantlet")
    if not isinstance(found, Permit):
        raise RuntimeError("no permit in the scope: wrap the application, app = Mantlet(api, policy=...)")
    return found


CurrentPermit = Annotated[Permit, Depends(permit)]


def nonce(permit: CurrentPermit) -> str:
    """The nonce of this response's Content-Security-Policy, for `<script nonce="...">`.

    Raises `RuntimeError` where the policy has no 'nonce' in a directive.
    """
    if permit.nonce is None:
        raise RuntimeError("the policy draws no nonce: write 'nonce' into a directive of [csp], such as script-src")
    return permit.nonce


def client(permit: CurrentPermit) -> str | None:
    """The address of the client: the peer, or what a trusted proxy says of it. None where it is not known."""
    return permit.client


Nonce = Annotated[str, Depends(nonce)]
Client = Annotated[str | None, Depends(client)]
