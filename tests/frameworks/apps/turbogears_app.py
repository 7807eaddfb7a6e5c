"""TurboGears inside the middleware."""

import logging
import pathlib
from collections.abc import Iterator

# doc: begin
from mantlet import Mantlet
from tg import MinimalApplicationConfigurator, Response, TGController, expose, redirect, request
from tg.appwrappers.base import ApplicationWrapper
from tg.configurator.components.statics import StaticsConfigurationComponent


class Root(TGController):
    @expose()
    def index(self) -> str:
        nonce = request.environ["mantlet"].nonce
        return f'<!doctype html><title>Hello</title><script nonce="{nonce}">1</script>'

    # doc: end

    written: list[bytes] = []  # noqa: RUF012

    @expose()
    def notes(self) -> str:
        if request.method == "POST":
            self.written.append(request.body)
        return str(len(self.written))

    @expose()
    def error(self) -> str:
        raise RuntimeError("not caught")

    @expose()
    def old(self) -> None:
        redirect("/")

    @expose()
    def stream(self) -> Iterator[bytes]:
        yield from (b"one ", b"two ", b"three")


# doc: begin
class AnswerErrors(ApplicationWrapper):
    """Without it the server answers for an exception, outside of the policy."""

    def __call__(self, controller: object, environ: dict, context: object) -> Response:
        try:
            return self.next_handler(controller, environ, context)
        except Exception:
            logging.getLogger(__name__).exception("not caught")
            return Response(status=500)


config = MinimalApplicationConfigurator()
config.update_blueprint({"root_controller": Root()})
config.register_application_wrapper(AnswerErrors)
# doc: end
config.register(StaticsConfigurationComponent)
config.update_blueprint({"serve_static": True, "paths": {"static_files": str(pathlib.Path(__file__).parent)}})
# doc: begin
app = Mantlet(config.make_wsgi_app(), policy="mantlet.toml")
# doc: end
