"""The standard library's file server behind mantlet: pages, errors, ranges of sections, large files."""

import pathlib
import sys
from collections.abc import Callable, Iterator

import pytest
from support import GIB, MIB, Mantlet, Running, added, ask, download, lost, plain, promised, sparse

PRESETS = ["basic", "balanced", "strict", "api", "streamlit"]
#: what the preset balanced sends over plain http, written out: the promise of `mantlet check` has to be true too
BALANCED = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'self'; font-src 'self' https: data:; form-action 'self'; "
        "frame-ancestors 'self'; img-src 'self' data:; object-src 'none'; script-src 'self'; script-src-attr 'none'; "
        "style-src 'self' https: 'unsafe-inline'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(), microphone=(), camera=()",
    "referrer-policy": "strict-origin-when-cross-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, pathlib.Path]]:
    """A folder with a page in it, and the port of `python3 -m http.server`."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "index.html").write_text("<!doctype html><title>Files</title><p>Here.")
    (folder / "folder").mkdir()
    running = Running([sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"], folder)
    yield int(running.says(r"port (\d+)")[1]), folder
    running.stop()


@pytest.mark.parametrize("path", ["/", "/nothing", "/folder", "/folder/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_every_response_has_the_section_of_the_preset(
    files: tuple[int, pathlib.Path], serve: Callable[..., Mantlet], path: str, method: str
) -> None:
    proxy = serve(files[0], "--preset", "balanced")
    through, direct = ask(proxy.port, path, method), ask(files[0], path, method)
    assert (through.status, through.body) == (direct.status, direct.body)
    assert added(through, direct) == BALANCED
    # python's version number ends here
    assert lost(through, direct) == {"server"}


@pytest.mark.parametrize("preset", PRESETS)
def test_the_section_is_what_check_promises(
    files: tuple[int, pathlib.Path], serve: Callable[..., Mantlet], tmp_path: pathlib.Path, preset: str
) -> None:
    policy = f'preset = "{preset}"\ntrusted_proxies = ["127.0.0.1/32"]\n'
    proxy = serve(files[0], policy=policy)
    promise = promised(tmp_path, tmp_path / "mantlet.toml")
    assert "strict-transport-security" in promise
    direct = ask(files[0])
    https = ask(proxy.port, headers={"X-Forwarded-Proto": "https"})
    assert added(https, direct) == promise
    http = ask(proxy.port)
    assert added(http, direct) == plain(promise)
    assert "upgrade-insecure-requests" not in http["content-security-policy"]


def test_the_preset_none_changes_nothing(files: tuple[int, pathlib.Path], serve: Callable[..., Mantlet]) -> None:
    proxy = serve(files[0], "--preset", "none")
    through, direct = ask(proxy.port), ask(files[0])
    assert added(through, direct) == {}
    assert lost(through, direct) == set()


def test_an_untrusted_peer_does_not_make_it_https(
    files: tuple[int, pathlib.Path], serve: Callable[..., Mantlet]
) -> None:
    proxy = serve(files[0], "--preset", "balanced")
    answer = ask(proxy.port, headers={"X-Forwarded-Proto": "https"})
    assert "strict-transport-security" not in answer
    assert "upgrade-insecure-requests" not in answer["content-security-policy"]


def test_not_modified_comes_through(files: tuple[int, pathlib.Path], serve: Callable[..., Mantlet]) -> None:
    proxy = serve(files[0], "--preset", "balanced")
    when = ask(proxy.port)["last-modified"]
    answer = ask(proxy.port, headers={"If-Modified-Since": when})
    assert (answer.status, answer.body) == (304, b"")


def test_a_gibibyte_comes_through_in_little_memory(
    files: tuple[int, pathlib.Path], serve: Callable[..., Mantlet]
) -> None:
    port, folder = files
    sparse(folder / "large.bin", GIB)
    proxy = serve(port, "--preset", "balanced")
    assert download(proxy.port, "/large.bin") == GIB
    assert proxy.peak() < 64 * MIB
