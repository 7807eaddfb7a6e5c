"""Litestar inside the middleware."""

# doc: begin
from litestar import Litestar, MediaType, Request, get, post
from litestar.response import Redirect, Stream
from litestar.static_files import create_static_files_router
from mantlet import Mantlet


@get("/", media_type=MediaType.HTML, sync_to_thread=False)
def page(request: Request) -> str:
    nonce = request.scope["mantlet"].nonce
    return f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>'


# doc: end

notes: list[bytes] = []


@get("/notes", sync_to_thread=False)
def count() -> int:
    return len(notes)


@post("/notes", sync_to_thread=False)
def note() -> int:
    notes.append(b"")
    return len(notes)


@get("/error", sync_to_thread=False)
def error() -> None:
    raise RuntimeError("not caught")


@get("/old", sync_to_thread=False)
def old() -> Redirect:
    return Redirect("/")


@get("/stream", sync_to_thread=False)
def stream() -> Stream:
    return Stream(iter([b"one ", b"two ", b"three"]))


static = create_static_files_router("/static", directories=["static"])
handlers = [page, count, note, error, old, stream, static]

# doc: begin
site = Litestar(handlers)
app = Mantlet(site, policy="mantlet.toml")  # outermost: `middleware=[...]` does not see a 404
# doc: end
