"""A Streamlit application behind mantlet, preset streamlit: page, health, WebSocket, upload with its XSRF token."""

import json
import pathlib
from collections.abc import Callable, Iterator

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from support import PATIENCE, Mantlet, added, ask, plain, promised
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

Serve = Callable[..., Mantlet]
#: what `mantlet init` writes for Streamlit
POLICY = """
preset = "streamlit"

[cookies]
secure = true
samesite = "Lax"

[cookies.exceptions._streamlit_xsrf]
httponly = false
"""


@pytest.fixture
def proxy(streamlit: int, serve: Serve) -> Mantlet:
    return serve(streamlit, policy=POLICY)


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/_stcore/host-config", "/favicon.png", "/some/page"])
def test_every_path_has_the_section(streamlit: int, proxy: Mantlet, tmp_path: pathlib.Path, path: str) -> None:
    through, direct = ask(proxy.port, path), ask(streamlit, path)
    assert (through.status, through.body) == (direct.status, direct.body)
    section = added(through, direct)
    # it has its own nosniff on some paths, and a cookie that differs each time
    section.pop("set-cookie", None)
    promise = plain(promised(tmp_path, tmp_path / "mantlet.toml"))
    assert {name: through[name] for name in promise} == promise
    assert section.items() <= promise.items()


def test_its_files_come_through(streamlit: int, proxy: Mantlet) -> None:
    page = ask(proxy.port)
    scripts = [part.partition('"')[0] for part in page.text.split('src="')[1:]]
    scripts = [f"/{script.removeprefix('./').removeprefix('/')}" for script in scripts if script.endswith(".js")]
    assert scripts
    for script in scripts:
        through, direct = ask(proxy.port, script), ask(streamlit, script)
        assert (through.status, through.body) == (200, direct.body)


def xsrf(port: int) -> str:
    (cookie,) = (
        value for value in ask(port, "/_stcore/health").all("set-cookie") if value.startswith("_streamlit_xsrf=")
    )
    assert "httponly" not in cookie.lower(), "its own script has to read it"
    assert "samesite=lax" in cookie.lower()
    return cookie.partition("=")[2].partition(";")[0].strip('"')


class Session:
    """A browser tab's connection to Streamlit."""

    def __init__(self, opened: ClientConnection) -> None:
        self._opened = opened
        self.id = ""
        self.widgets: dict[str, str] = {}
        self.texts: list[str] = []

    def run(self, pressed: str | None = None) -> None:
        """Has the script run, with one button pressed, and reads what it draws."""
        message = BackMsg()
        message.rerun_script.query_string = ""
        if pressed is not None:
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.trigger_value = self.widgets[pressed], True
        self._opened.send(message.SerializeToString())
        self.texts.clear()
        while True:
            data = self._opened.recv(PATIENCE)
            assert isinstance(data, bytes)
            told = ForwardMsg()
            told.ParseFromString(data)
            if told.HasField("new_session"):
                self.id = told.new_session.initialize.session_id
            element = told.delta.new_element
            if element.HasField("button"):
                self.widgets[element.button.label] = element.button.id
            if element.HasField("markdown"):
                self.texts.append(element.markdown.body)
            if told.HasField("script_finished") and self.texts:
                return


@pytest.fixture
def session(proxy: Mantlet) -> Iterator[Session]:
    token = xsrf(proxy.port)
    with connect(
        f"ws://127.0.0.1:{proxy.port}/_stcore/stream",
        origin=Origin(f"http://127.0.0.1:{proxy.port}"),
        subprotocols=[Subprotocol("streamlit"), Subprotocol(token)],
        additional_headers={"Cookie": f"_streamlit_xsrf={token}"},
        max_size=None,
        proxy=None,
    ) as opened:
        assert opened.subprotocol == "streamlit"
        yield Session(opened)


def test_a_button_over_the_websocket(session: Session) -> None:
    session.run()
    assert "Pressed 0 times" in session.texts
    session.run(pressed="Press")
    assert "Pressed 1 times" in session.texts


def test_an_upload_needs_the_token_and_works_with_it(proxy: Mantlet, session: Session) -> None:
    session.run()
    token = xsrf(proxy.port)
    path = f"/_stcore/upload_file/{session.id}/a-file"
    body = b'--line\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\ncontents\r\n--line--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=line", "Cookie": f"_streamlit_xsrf={token}"}
    assert ask(proxy.port, path, "PUT", headers, body).status == 403
    answer = ask(proxy.port, path, "PUT", headers | {"X-Xsrftoken": token}, body)
    assert (answer.status, answer.text) == (204, "")
    assert answer["x-frame-options"] == "SAMEORIGIN"


def test_the_cookie_is_secure_over_https(streamlit: int, serve: Serve) -> None:
    proxy = serve(streamlit, policy='trusted_proxies = ["127.0.0.1/32"]\n' + POLICY)
    (cookie,) = ask(proxy.port, "/_stcore/health", headers={"X-Forwarded-Proto": "https"}).all("set-cookie")
    assert "; secure" in cookie.lower()


def test_a_websocket_of_another_site_is_refused(proxy: Mantlet) -> None:
    """Streamlit compares Origin with Host: it can, because Host goes through as it came."""
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{proxy.port}/_stcore/stream", origin=Origin("https://evil.test"), proxy=None)
    response = refused.value.response
    assert response.status_code == 403
    assert response.headers["x-content-type-options"] == "nosniff"


def test_health_is_json_or_text_of_the_application(proxy: Mantlet) -> None:
    answer = ask(proxy.port, "/_stcore/host-config")
    assert isinstance(json.loads(answer.text), dict)
    assert ask(proxy.port, "/_stcore/health").text == "ok"
