"""Tornado's own server with the hook."""

import asyncio
import sys

# doc: begin
from mantlet.tornado import Mantlet, permit
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler, StaticFileHandler


class Page(RequestHandler):
    def get(self) -> None:
        nonce = permit(self.request).nonce
        self.write(f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>')


# doc: end

notes: list[bytes] = []


class Notes(RequestHandler):
    def get(self) -> None:
        self.write(str(len(notes)))

    def post(self) -> None:
        notes.append(self.request.body)
        self.get()


class Broken(RequestHandler):
    def get(self) -> None:
        raise RuntimeError("not caught")


class Cookies(RequestHandler):
    def get(self) -> None:
        self.set_header("X-Frame-Options", "ALLOWALL")
        self.set_cookie("a", "1")
        self.set_cookie("b", "2")


class Old(RequestHandler):
    def get(self) -> None:
        self.redirect("/")


class Stream(RequestHandler):
    async def get(self) -> None:
        for block in ("one ", "two ", "three"):
            self.write(block)
            await self.flush()


routes = [
    ("/", Page),
    ("/notes", Notes),
    ("/error", Broken),
    ("/cookies", Cookies),
    ("/old", Old),
    ("/stream", Stream),
    ("/static/(.*)", StaticFileHandler, {"path": "static"}),
]


async def main() -> None:
    # doc: begin
    app = Application(routes)
    server = HTTPServer(Mantlet(app, policy="mantlet.toml"))
    # doc: end
    server.listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
