"""The native calls: a policy, a request, a response."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from mantlet import Permit, Policy, PolicyError, PolicyWarning, Preset

HOST = (b"host", b"app.example")


def sent(policy: Policy, headers: list[tuple[bytes, bytes]] | None = None, **request: object) -> dict[bytes, bytes]:
    exchange = policy.on_request("GET", b"/", [HOST], **request)  # type: ignore[arg-type]
    return dict(exchange.on_response(200, headers or []))


def test_a_policy_without_words_is_balanced() -> None:
    assert sent(Policy()) == sent(Policy(preset="balanced")) == sent(Policy(preset=Preset.BALANCED))
    assert sent(Policy())[b"x-frame-options"] == b"SAMEORIGIN"


@pytest.mark.parametrize("preset", Preset)
def test_every_preset_has_its_word(preset: Preset) -> None:
    by_text = Policy(f'preset = "{preset.value}"')
    assert sent(Policy(preset=preset), tls=True) == sent(by_text, tls=True)


def test_upstream_names_of_presets_have_their_values() -> None:
    assert (Preset.BASIC.value, Preset.BALANCED.value, Preset.STRICT.value) == ("basic", "balanced", "strict")


def test_keywords_go_over_the_text() -> None:
    text = "preset = 'strict'\n[csp]\nimg-src = ['https://a.example']\n[headers]\nreferrer-policy = 'no-referrer'\n"
    policy = Policy(
        text,
        preset="none",
        csp={"img-src": ["https://b.example"]},
        headers={"referrer-policy": "same-origin", "x-custom": "1"},
    )
    assert sent(policy) == {
        b"content-security-policy": b"img-src https://b.example",
        b"referrer-policy": b"same-origin",
        b"x-custom": b"1",
    }


def test_csp_can_be_added_to_dropped_and_only_reported() -> None:
    policy = Policy(
        preset="none",
        csp={"img-src": ["'self'"], "font-src": ["'self'"], "object-src": ()},
        csp_add={"img-src": ["https://cdn.example"]},
        csp_drop=["font-src"],
        csp_report_only={"script-src": ["'self'"], "report-uri": ["/csp"]},
    )
    headers = sent(policy)
    assert headers[b"content-security-policy"] == b"img-src 'self' https://cdn.example; object-src 'none'"
    assert headers[b"content-security-policy-report-only"] == b"script-src 'self'; report-uri /csp"


def test_a_header_is_left_alone_or_meets_the_application_as_said() -> None:
    policy = Policy(
        preset="none",
        headers={"x-frame-options": "DENY", "referrer-policy": False, "x-more": "2"},
        header_modes={"x-frame-options": "if_missing", "x-more": "append", "server": "remove"},
    )
    own = [(b"X-Frame-Options", b"SAMEORIGIN"), (b"X-More", b"1"), (b"Server", b"s"), (b"Referrer-Policy", b"origin")]
    exchange = policy.on_request("GET", b"/", [HOST])
    assert exchange.on_response(200, own) == [
        (b"X-Frame-Options", b"SAMEORIGIN"),
        (b"X-More", b"1"),
        (b"Referrer-Policy", b"origin"),
        (b"x-more", b"2"),
    ]
    assert exchange.on_response(200, []) == [(b"x-frame-options", b"DENY"), (b"x-more", b"2")]


def test_an_empty_field_is_no_choice_of_the_application() -> None:
    policy = Policy(preset="none", headers={"x-frame-options": "DENY"}, header_modes={"x-frame-options": "if_missing"})
    exchange = policy.on_request("GET", b"/", [HOST])
    assert exchange.on_response(200, [(b"x-frame-options", b" ")]) == [(b"x-frame-options", b"DENY")]


def test_every_error_is_told_at_once_with_place_value_and_hint() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(
            "[headers]\nx-frame-options = 'ALLOWALL'\n",
            preset="no such",
            https="maybe",
            trusted_proxies=["nowhere"],
            header_modes={"server": "gone"},  # type: ignore[dict-item]
        )
    lines = str(caught.value).splitlines()
    assert isinstance(caught.value, ValueError)
    assert any(line.startswith("policy:2:") and "x-frame-options" in line for line in lines)
    assert any(line.startswith("error: preset:") and "no such" in line for line in lines)
    assert any(line.startswith("error: https:") and "assume" in line for line in lines)
    assert any(line.startswith("error: trusted_proxies:") and "10.0.0.0/8" in line for line in lines)
    assert any(line.startswith("error: headers.server.mode:") and "remove" in line for line in lines)


def test_errors_of_meaning_in_keywords_are_told() -> None:
    with pytest.raises(PolicyError, match="script-src"):
        Policy(csp={"script-src": ["self"]})
    with pytest.raises(PolicyError, match="x-frame-options"):
        Policy(headers={"x-frame-options": "ALLOWALL"})
    with pytest.raises(PolicyError):
        Policy(headers={"x-custom": "a\r\nset-cookie: b=c"})


def test_a_lone_string_is_no_list_of_strings() -> None:
    with pytest.raises(TypeError):
        Policy(hosts="app.example")
    with pytest.raises(TypeError):
        Policy(csp={"img-src": "'self'"})


def test_warnings_of_a_policy_are_warnings_of_python() -> None:
    with pytest.warns(PolicyWarning, match="cache-control") as caught:
        Policy("[csp]\nscript-src = [\"'nonce'\"]\n[headers]\ncache-control = 'public, max-age=60'\n")
    assert caught[0].filename == __file__


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "mantlet.toml"
    file.write_text('preset = "none"\nhosts = { allowed = ["app.example"] }\nheaders.x-frame-options = "DENY"\n')
    yield file


def test_a_policy_file_is_read_by_path_and_by_its_string(file: Path) -> None:
    for path in (file, str(file)):
        assert sent(Policy.from_file(path)) == {b"x-frame-options": b"DENY"}


def test_a_mistake_in_a_file_has_its_place(file: Path) -> None:
    file.write_text('preset = "nonee"\n')
    with pytest.raises(PolicyError, match=r"mantlet\.toml:1:10: error: preset"):
        Policy.from_file(file)
    with pytest.raises(PolicyError, match="cannot read"):
        Policy.from_file(file.parent / "missing.toml")
    with pytest.raises(PolicyError, match="environment"):
        Policy.from_file(file, environment="holiday")


def test_the_environment_is_the_keyword_then_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANTLET_ENVIRONMENT", "development")
    assert Policy('environment = "production"').environment == "development"
    assert Policy(environment="production").environment == "production"
    assert b"strict-transport-security" not in sent(Policy(), tls=True)
    assert b"strict-transport-security" in sent(Policy(environment="production"), tls=True)


def test_a_denied_request_has_an_answer_that_is_ready_to_send() -> None:
    policy = Policy(hosts=["app.example"], tell_reason=True)
    exchange = policy.on_request("GET", b"/", [(b"host", b"evil.example"), (b"accept", b"text/plain")])
    denial = exchange.denial
    assert exchange.permit is None
    assert denial is not None
    assert (denial.status, denial.reason) == (400, "host.unknown")
    headers = dict(denial.headers)
    assert headers[b"content-type"] == b"text/plain; charset=utf-8"
    assert headers[b"content-length"] == str(len(denial.body)).encode()
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"mantlet-reason"] == b"host.unknown"
    assert denial.body.decode().strip() == denial.detail
    assert denial.fix and denial.fix not in denial.body.decode()


def test_a_denial_of_head_has_no_body() -> None:
    exchange = Policy(hosts=["app.example"]).on_request("HEAD", b"/", [(b"host", b"evil.example")])
    assert exchange.denial is not None
    assert exchange.denial.body == b""
    assert int(dict(exchange.denial.headers)[b"content-length"]) > 0


def test_cross_origin_requests_are_denied_reported_or_let_in() -> None:
    foreign = [HOST, (b"Sec-Fetch-Site", b"cross-site"), (b"Origin", b"https://partner.example")]

    def verdict(policy: Policy, path: bytes = b"/") -> str:
        exchange = policy.on_request("POST", path, foreign)
        if exchange.permit is None:
            assert exchange.denial is not None
            return exchange.denial.reason
        return " ".join(exchange.permit.reported)

    assert verdict(Policy()) == "origin.cross-site"
    assert verdict(Policy(cross_origin="report")) == "origin.cross-site"
    assert Policy(cross_origin="report").on_request("POST", b"/", foreign).permit is not None
    assert Policy(cross_origin="report", enforce_percent=100).on_request("POST", b"/", foreign).permit is None
    assert verdict(Policy(allowed_origins=["https://partner.example"])) == ""
    assert verdict(Policy(danger_exempt_paths=["/hooks"]), b"/hooks/a") == ""
    assert verdict(Policy(danger_cross_origin_off=True)) == ""
    assert verdict(Policy(preset="none")) == ""


def test_a_share_to_enforce_goes_with_reporting() -> None:
    with pytest.raises(PolicyError, match="enforce_percent"):
        Policy(enforce_percent=5)
    with pytest.raises(PolicyError, match="0 to 100"):
        Policy(cross_origin="report", enforce_percent=101)


def test_self_origins_take_the_place_of_host() -> None:
    policy = Policy(self_origins=["https://shop.example"])
    request = [(b"host", b"internal:8000"), (b"origin", b"https://shop.example")]
    assert policy.on_request("POST", b"/", request).permit is not None
    assert policy.on_request("POST", b"/", [HOST, (b"origin", b"https://app.example")]).permit is None


def test_a_repeated_host_in_mixed_case_is_denied() -> None:
    exchange = Policy().on_request("GET", b"/", [(b"Host", b"a.example"), (b"hOST", b"b.example")])
    assert exchange.denial is not None
    assert exchange.denial.reason == "host.repeated"


def test_a_trusted_proxy_tells_client_and_scheme() -> None:
    policy = Policy(trusted_proxies=["10.0.0.0/8", "::1"])
    told = [HOST, (b"x-forwarded-for", b"192.0.2.7"), (b"x-forwarded-proto", b"https")]

    def permit(peer: str | None) -> Permit:
        found = policy.on_request("GET", b"/", told, peer=peer).permit
        assert found is not None
        return found

    assert (permit("10.1.2.3").client, permit("10.1.2.3").secure) == ("192.0.2.7", True)
    assert (permit("::1%lo").client, permit("::1%lo").secure) == ("192.0.2.7", True)
    assert (permit("198.51.100.1").client, permit("198.51.100.1").secure) == ("198.51.100.1", False)
    assert (permit(None).client, permit("unix:/run/app.sock").client) == (None, None)
    own = Policy(trusted_proxies=["10.0.0.1"], client_address="cf-connecting-ip")
    exchange = own.on_request("GET", b"/", [HOST, (b"cf-connecting-ip", b"192.0.2.9")], peer="10.0.0.1")
    assert exchange.permit is not None and exchange.permit.client == "192.0.2.9"


def test_https_can_be_assumed_or_demanded() -> None:
    assert b"strict-transport-security" in sent(Policy(https="assume"))
    exchange = Policy(https="redirect").on_request("GET", b"/a%20b", [HOST], query=b"q=1")
    assert exchange.denial is not None
    assert exchange.denial.status == 301
    assert dict(exchange.denial.headers)[b"location"] == b"https://app.example/a%20b?q=1"


def test_a_nonce_is_in_permit_and_header_and_not_in_the_repr() -> None:
    policy = Policy(csp={"script-src": ["'nonce'"]})
    assert policy.uses_nonce
    exchange = policy.on_request("GET", b"/", [HOST])
    permit = exchange.permit
    assert permit is not None and permit.nonce is not None
    csp = dict(exchange.on_response(200, [(b"content-type", b"text/html")]))[b"content-security-policy"]
    assert f"'nonce-{permit.nonce}'".encode() in csp
    assert permit.nonce not in repr(permit)
    assert repr(permit) == "Permit(client=None, secure=False)"


def test_cookies_of_the_application_are_hardened_and_none_is_lost() -> None:
    policy = Policy("preset = 'none'\ncookies = { secure = true, httponly = true }\n")
    exchange = policy.on_request("GET", b"/", [HOST], tls=True)
    own = [(b"Set-Cookie", b"a=1"), (b"x-a", b"1"), (b"set-cookie", b"b=2; Secure")]
    assert exchange.on_response(200, own) == [
        (b"x-a", b"1"),
        (b"set-cookie", b"a=1; Secure; HttpOnly"),
        (b"set-cookie", b"b=2; Secure; HttpOnly"),
    ]


def test_a_header_list_may_be_any_iterable_of_pairs() -> None:
    policy = Policy(preset="none", headers={"x-frame-options": "DENY"})
    exchange = policy.on_request("GET", b"/", ([name, value] for name, value in [HOST]))  # type: ignore[misc]
    own = [(b"x-a", b"1")]
    expected = [(b"x-a", b"1"), (b"x-frame-options", b"DENY")]
    assert exchange.on_response(200, iter(own)) == expected
    assert exchange.on_response(200, tuple(own)) == expected
    assert own == [(b"x-a", b"1")]
    with pytest.raises(TypeError):
        policy.on_request("GET", b"/", [("host", "app.example")])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        policy.on_request("GET", b"/", [(b"host",)])  # type: ignore[list-item]


def test_a_method_that_is_no_token_is_denied() -> None:
    exchange = Policy().on_request("GE T", b"/", [HOST])
    assert exchange.denial is not None
    assert (exchange.denial.status, exchange.denial.reason) == (400, "request.method")


def test_a_policy_without_oddities_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Policy()
