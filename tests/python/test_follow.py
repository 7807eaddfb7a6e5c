"""`Mantlet(app, "mantlet.toml")` follows its policy file."""

import logging
import os
import warnings
from pathlib import Path
from typing import Any

import pytest
from drive import Message, Receive, Send, answer, asgi, environ, scope, wsgi
from mantlet import Mantlet, Policy, PolicyError

#: so that every request looks
ALWAYS = 0.0


def text(value: str) -> str:
    return f"preset = 'none'\nheaders.x-a = '{value}'\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mantlet.toml"
    path.write_text(text("first"))
    return path


def sent(wrapped: Mantlet) -> str:
    """The value of x-a in a response."""
    return dict(asgi(wrapped, scope())[0]["headers"])[b"x-a"].decode()


def test_a_change_is_in_force_for_the_next_request(file: Path) -> None:
    wrapped = Mantlet(answer(), file, follow=ALWAYS)
    before = wrapped.policy
    assert (sent(wrapped), sent(wrapped)) == ("first", "first")
    assert wrapped.policy is before
    file.write_text(text("second"))
    assert (sent(wrapped), sent(wrapped)) == ("second", "second")
    assert wrapped.policy is not before
    # as long as the last one
    file.write_text(text("secund"))
    assert sent(wrapped) == "secund"


def test_wsgi_follows_too(file: Path) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return []

    wrapped = Mantlet(app, str(file), follow=ALWAYS)
    assert wsgi(wrapped, environ())[0].headers == [("x-a", "first")]
    file.write_text(text("second"))
    assert wsgi(wrapped, environ())[0].headers == [("x-a", "second")]


def test_a_file_that_takes_its_place_is_seen(file: Path) -> None:
    link = file.with_name("link.toml")
    link.symlink_to(file)
    wrapped, linked = Mantlet(answer(), file, follow=ALWAYS), Mantlet(answer(), link, follow=ALWAYS)
    other = file.with_name("other.toml")
    other.write_text(text("other"))
    stat = file.stat()
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.rename(file)
    assert (sent(wrapped), sent(linked)) == ("other", "other")
    other.write_text(text("third"))
    link.unlink()
    link.symlink_to(other)
    assert (sent(wrapped), sent(linked)) == ("other", "third")


@pytest.mark.parametrize("wrong", ["preset = 'x'\n", "", "# nothing\n", "[["])
def test_a_wrong_file_is_told_once_and_changes_nothing(
    wrong: str, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wrapped = Mantlet(answer(), file, follow=ALWAYS)
    file.write_text(wrong)
    with caplog.at_level(logging.INFO, "mantlet"):
        assert [sent(wrapped) for _ in range(3)] == ["first"] * 3
    told = [record for record in caplog.records if record.name == "mantlet"]
    assert [record.levelname for record in told] == ["ERROR"]
    assert told[0].getMessage().startswith("the policy in force stays:")
    file.write_text(text("second"))
    with caplog.at_level(logging.INFO, "mantlet"):
        assert sent(wrapped) == "second"
    assert caplog.records[-1].getMessage() == f"{file} has changed and is in force"


def test_a_file_that_is_gone_changes_nothing(file: Path) -> None:
    wrapped = Mantlet(answer(), file, follow=ALWAYS)
    file.unlink()
    assert sent(wrapped) == "first"
    file.write_text(text("second"))
    assert sent(wrapped) == "second"


def test_nobody_looks_before_it_is_time(file: Path) -> None:
    later, never = Mantlet(answer(), file, follow=3600), Mantlet(answer(), file, follow=None)
    fixed = Mantlet(answer(), Policy.from_file(file), follow=ALWAYS)
    file.write_text(text("second"))
    assert [sent(wrapped) for wrapped in (later, never, fixed)] == ["first"] * 3


def test_a_request_keeps_the_policy_it_came_under(file: Path) -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        file.write_text(text("second"))
        await answer()(scope, receive, send)

    wrapped = Mantlet(app, file, follow=ALWAYS)
    assert (sent(wrapped), sent(wrapped)) == ("first", "second")


def test_warnings_of_a_followed_file_go_to_the_log(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    wrapped = Mantlet(answer(), file, follow=ALWAYS)
    file.write_text(text("second") + "csp.plugin-types = ['a/b']\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sent(wrapped) == "second"
    assert "csp.plugin-types" in caplog.text
    assert {record.levelname for record in caplog.records} == {"WARNING"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_worker_that_was_forked_follows(file: Path) -> None:
    wrapped = Mantlet(answer(), file, follow=ALWAYS)
    assert sent(wrapped) == "first"
    child = os.fork()
    if child == 0:
        # the child only says what it found: no test may go on in it
        try:
            file.write_text(text("second"))
            os._exit(0 if sent(wrapped) == "second" else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_cannot_be_followed_is_refused(file: Path) -> None:
    for odd in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="number of seconds"):
            Mantlet(answer(), file, follow=odd)
    with pytest.raises(PolicyError):
        Mantlet(answer(), file.with_name("none.toml"))
