"""aiohttp's own server with the hook."""

import sys

# doc: begin
from aiohttp import web
from mantlet.aiohttp import setup

app = web.Application()
setup(app, policy="mantlet.toml")  # before other middlewares


async def page(request: web.Request) -> web.Response:
    nonce = request["mantlet"].nonce
    text = f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>'
    return web.Response(text=text, content_type="text/html")


app.router.add_get("/", page)
# doc: end

notes: list[bytes] = []


async def write(request: web.Request) -> web.Response:
    if request.method == "POST":
        notes.append(await request.read())
    return web.Response(text=str(len(notes)))


async def error(request: web.Request) -> web.Response:
    raise RuntimeError("not caught")


async def cookies(request: web.Request) -> web.Response:
    response = web.Response(headers={"X-Frame-Options": "ALLOWALL"})
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


async def old(request: web.Request) -> web.Response:
    raise web.HTTPFound("/")


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for block in (b"one ", b"two ", b"three"):
        await response.write(block)
    await response.write_eof()
    return response


app.router.add_get("/notes", write)
app.router.add_post("/notes", write)
app.router.add_get("/error", error)
app.router.add_get("/cookies", cookies)
app.router.add_get("/old", old)
app.router.add_get("/stream", stream)
app.router.add_static("/static", "static")

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]))
