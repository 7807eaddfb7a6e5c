"""The target of an HTTP/1 request line, for hosts that hand it over as it came (RFC 9112 section 3.2)."""


def split_target(target: bytes) -> tuple[bytes, bytes | None, bytes | None]:
    """Path, query and authority of a request target. Query and authority are None where the target has none.

    >>> split_target(b"/a?b")
    (b'/a', b'b', None)
    >>> split_target(b"http://example.com/a")
    (b'/a', None, b'example.com')
    """
    authority: bytes | None = None
    if not target.startswith(b"/") and b"://" in target:
        authority, slash, rest = target.split(b"://", 1)[1].partition(b"/")
        if not slash and b"?" in authority:
            authority, _, query = authority.partition(b"?")
            return b"/", query, authority
        target = b"/" + rest
    path, mark, query = target.partition(b"?")
    return path, query if mark else None, authority
