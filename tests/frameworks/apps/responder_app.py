"""Responder inside the middleware."""

# doc: begin
import responder
from mantlet import Mantlet

api = responder.API(static_dir="static", static_route="/static", templates_dir="templates", allowed_hosts=["*"])


@api.route("/")
async def page(request: responder.Request, response: responder.Response) -> None:
    nonce = request._starlette.scope["mantlet"].nonce
    response.html = f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>'


app = Mantlet(api, policy="mantlet.toml")
# doc: end

notes: list[bytes] = []


@api.route("/notes")
async def write(request: responder.Request, response: responder.Response) -> None:
    if request.method.upper() == "POST":
        notes.append(await request.content)
    response.text = str(len(notes))


@api.route("/error")
async def error(request: responder.Request, response: responder.Response) -> None:
    raise RuntimeError("not caught")


@api.route("/old")
async def old(request: responder.Request, response: responder.Response) -> None:
    api.redirect(response, "/")


@api.route("/stream")
async def stream(request: responder.Request, response: responder.Response) -> None:
    @response.stream
    async def blocks():
        for block in (b"one ", b"two ", b"three"):
            yield block
