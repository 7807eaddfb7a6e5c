"""A FastAPI application with what a proxy can get wrong: documentation pages, uploads, streams, WebSockets."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse, StreamingResponse

app = FastAPI()


@app.get("/", response_class=HTMLResponse)
async def page() -> str:
    return "<!doctype html><title>A page</title><p>Here."


@app.get("/items/{number}")
async def item(number: int) -> dict[str, int]:
    """Something to try out."""
    return {"number": number}


@app.post("/upload")
async def upload(request: Request) -> dict[str, int]:
    total = 0
    async for block in request.stream():
        total += len(block)
    return {"bytes": total}


@app.get("/seen")
async def seen(request: Request) -> dict[str, object]:
    """What the application was told of the request."""
    fields = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers.raw]
    return {"fields": fields, "path": request.scope["raw_path"].decode("latin-1")}


@app.get("/events")
async def events() -> StreamingResponse:
    async def ticks() -> AsyncIterator[str]:
        for number in range(3):
            yield f"data: {number}\n\n"
            await asyncio.sleep(0)

    return StreamingResponse(ticks(), media_type="text/event-stream")


@app.websocket("/echo")
async def echo(socket: WebSocket) -> None:
    """Sends back what comes; the text `close CODE` closes with that code."""
    await socket.accept(subprotocol=next(iter(socket.scope["subprotocols"]), None))
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                app.state.closed_with = message["code"]
                return
            if (text := message.get("text")) is None:
                await socket.send_bytes(message["bytes"])
            elif text.startswith("close "):
                await socket.close(int(text.split()[1]), "as asked")
                return
            else:
                await socket.send_text(text)
    except WebSocketDisconnect:
        pass


@app.get("/closed")
async def closed() -> dict[str, int | None]:
    """The code with which the last client closed."""
    return {"code": getattr(app.state, "closed_with", None)}
