"""What the hooks share."""

from __future__ import annotations

import pytest
from mantlet import Policy
from mantlet._hook import judged_environ, split_target


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        (b"/a?b", (b"/a", b"b", None)),
        (b"/a", (b"/a", None, None)),
        (b"/a?", (b"/a", b"", None)),
        (b"/a://b", (b"/a://b", None, None)),
        (b"//a/b", (b"//a/b", None, None)),
        (b"*", (b"*", None, None)),
        (b"http://example.com", (b"/", None, b"example.com")),
        (b"http://example.com?b", (b"/", b"b", b"example.com")),
        (b"http://example.com/a?b://c", (b"/a", b"b://c", b"example.com")),
    ],
)
def test_a_target_falls_into_path_query_and_authority(
    target: bytes, parts: tuple[bytes, bytes | None, bytes | None]
) -> None:
    assert split_target(target) == parts


def test_a_path_that_lost_its_escapes_gets_them_back() -> None:
    """An exemption is for the path that it names: `/hooks%3f` is not `/hooks` with a query."""
    policy = Policy(danger_exempt_paths=["/hooks"])
    cross = {"REQUEST_METHOD": "POST", "HTTP_HOST": "127.0.0.1", "HTTP_SEC_FETCH_SITE": "cross-site"}
    assert judged_environ(policy, cross | {"PATH_INFO": "/hooks"}).permit
    assert judged_environ(policy, cross | {"PATH_INFO": "/hooks?"}).denial
    assert judged_environ(policy, cross | {"PATH_INFO": "/hooks", "REQUEST_URI": "/%2e/hooks"}).denial
