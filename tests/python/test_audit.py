"""mantlet.audit and mantlet.check: what a response is worth, and what a policy sends."""

import http.client
import json
import pathlib
import re
import subprocess
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any

import mantlet
import pytest
from drive import answer, asgi, scope
from mantlet import Audit, Grade, Mantlet, Policy, PolicyError, Preset
from mantlet.__main__ import program

# the headers of a plan for a Streamlit dashboard: a policy that lets nearly everything through
PERMISSIVE_CSP = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self' *"
)
PERMISSIVE = {
    "Content-Security-Policy": PERMISSIVE_CSP,
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), camera=()",
}


def rules(audit: Audit, *severities: str) -> list[str]:
    return [finding.rule for finding in audit.findings if not severities or finding.severity in severities]


# grades


def test_a_better_grade_is_greater_and_equal_to_its_text() -> None:
    worst_first = ["F", "E", "D-", "D", "D+", "C-", "C", "C+", "B-", "B", "B+", "A-", "A", "A+"]
    grades = [Grade(text) for text in reversed(worst_first)]
    assert sorted(grades) == worst_first
    assert max(grades) == "A+"
    assert Grade("A") >= "A" and Grade("A") > "A-" and Grade("A") < "A+" and Grade("A") <= Grade("A")
    assert Grade("A") > "B" and Grade("A") != "A+" and Grade("A") != "a"
    assert {Grade("A"): 1}["A"] == 1  # type: ignore[index]
    assert f"{Grade('A'):>3}" == "  A" and str(Grade("A+")) == "A+" and repr(Grade("A")) == "Grade('A')"


@pytest.mark.parametrize("text", ["", "S", "a", "A++", "A +", "pass"])
def test_what_is_no_grade_is_refused_and_equals_none(text: str) -> None:
    with pytest.raises(ValueError, match="no grade"):
        Grade(text)
    with pytest.raises(ValueError, match="no grade"):
        assert Grade("A") >= text
    assert Grade("A") != text
    with pytest.raises(TypeError):
        assert Grade("A") >= 3  # type: ignore[operator]


# findings


def test_a_response_without_fields_fails() -> None:
    audit = mantlet.audit({})
    assert (audit.grade, audit.score, audit.url, audit.profile) == ("F", 0, "https://localhost/", "mantlet")
    assert rules(audit, "high") == ["hsts.missing", "csp.missing"]
    assert audit.score == max(0, sum(points for _, points in audit.sum))
    assert audit.sum[:2] == (("start", 100), ("hsts.missing", -30))


def test_a_finding_says_where_why_and_what_to_send() -> None:
    audit = mantlet.audit(PERMISSIVE)
    finding = audit.findings[0]
    assert (finding.rule, finding.severity) == ("csp.unsafe-inline", "high")
    assert finding.header == finding.place == "Content-Security-Policy"
    assert finding.text == PERMISSIVE_CSP and finding.span is not None
    start, end = finding.span
    assert finding.text[start:end] == "'unsafe-inline'"
    assert finding.title and finding.message and finding.effect and finding.remedy and finding.references
    assert finding.fix == "Content-Security-Policy: " + PERMISSIVE_CSP.replace(" 'unsafe-inline'", "", 1)
    assert set(finding.snippets) == {"mantlet.toml", "nginx", "Caddy", "Apache", "Express"}
    missing = next(finding for finding in audit.findings if finding.rule == "isolation.opener")
    assert missing.header == "Cross-Origin-Opener-Policy"
    assert missing.place is missing.text is missing.span is None
    plain = mantlet.audit(PERMISSIVE, url="http://localhost/").findings[0]
    assert (plain.rule, plain.place, plain.header, plain.fix) == ("transport.no-https", "url", None, None)


def test_the_lines_for_the_policy_file_are_a_policy() -> None:
    for finding in mantlet.audit({}).findings:
        lines = finding.snippets.get("mantlet.toml", "")
        sent = mantlet.check(Policy('preset = "none"\n' + lines))
        assert finding.fix is None or tuple(finding.fix.lower().split(": ")) in [(n, v.lower()) for n, v in sent]


def test_a_span_is_counted_in_characters() -> None:
    # two octets each in the text that the rules read
    finding = mantlet.audit([(b"Content-Security-Policy", b"img-src \xe9\xe9; script-src 'unsafe-inline'")]).findings
    inline = next(one for one in finding if one.rule == "csp.unsafe-inline")
    assert inline.text is not None and inline.span is not None
    assert inline.text[slice(*inline.span)] == "'unsafe-inline'"


def test_an_audit_is_read_by_people_and_by_programs() -> None:
    audit = mantlet.audit(PERMISSIVE)
    assert repr(audit) == f"<Audit of https://localhost/: E, 45, findings: {len(audit.findings)}>"
    lines = str(audit).splitlines()
    assert lines[0] == "https://localhost/  E  45"
    assert any("csp.unsafe-inline" in line for line in lines) and "\x1b" not in str(audit)
    value = json.loads(audit.to_json())
    assert (value["grade"], value["score"]) == ("E", 45)
    assert [finding["rule"] for finding in value["findings"]] == rules(audit)


@pytest.mark.skipif(program() is None, reason="installed from the tree, without the program")
@pytest.mark.parametrize("profile", ["mantlet", "observatory", "presence"])
def test_the_program_says_the_same(profile: Any, tmp_path: pathlib.Path) -> None:
    capture = tmp_path / "capture.json"
    capture.write_text(json.dumps({"url": "https://localhost/", "headers": PERMISSIVE}))
    command = [str(program()), "scan", str(capture), "--profile", profile, "--format", "json"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(mantlet.audit(PERMISSIVE, profile=profile).to_json()) == json.loads(told)


def test_profiles_judge_in_their_own_way() -> None:
    audit = mantlet.audit(PERMISSIVE, profile="observatory")
    assert (audit.profile, audit.grade, audit.score) == ("observatory", "B+", 80)
    test = audit.tests[0]
    assert (test.name, test.result, test.modifier) == (
        "content-security-policy",
        "csp-implemented-with-unsafe-inline",
        -20,
    )
    assert not test.passes and test.description and test.expectation == "csp-implemented-with-no-unsafe"
    assert len(audit.tests) == 12
    assert mantlet.audit(PERMISSIVE, profile="presence").grade == "A"
    with pytest.raises(ValueError, match="no profile"):
        mantlet.audit({}, profile="strict")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="404"):
        mantlet.audit({}, status=404, profile="observatory")


# responses


def bare_client(app: Any, base_url: str = "https://testserver") -> Any:
    return pytest.importorskip("starlette.testclient").TestClient(app, base_url=base_url)


def test_a_test_holds_the_line_with_the_response_of_a_test_client() -> None:
    page = answer([(b"content-type", b"text/html")])
    assert mantlet.audit(bare_client(Mantlet(page, Preset.STRICT)).get("/")).grade == "A+"
    bare = mantlet.audit(bare_client(page).get("/here?q=1"))
    assert (bare.grade, bare.url) == ("F", "https://testserver/here?q=1")


def test_a_client_of_plain_http_is_told_so() -> None:
    page = Mantlet(answer([(b"content-type", b"text/html")]), Preset.STRICT)
    audit = mantlet.audit(bare_client(page, "http://testserver").get("/"))
    assert rules(audit, "high") == ["transport.no-https"]


def test_body_status_and_url_of_a_response_are_judged_and_can_be_said_otherwise() -> None:
    html = b"<!doctype html><script src='http://other.example/a.js'></script>"
    response = bare_client(answer([(b"content-type", b"text/html")], body=html)).get("/")
    assert "content.mixed" in rules(mantlet.audit(response))
    assert "content.mixed" not in rules(mantlet.audit(response, body=""))
    assert "content.mixed" in rules(mantlet.audit({}, body=html))
    assert mantlet.audit(response, url="http://a.example/").url == "http://a.example/"
    with pytest.raises(ValueError, match="500"):
        mantlet.audit(response, status=500, profile="observatory")


def test_repeated_fields_stay_apart_in_every_form() -> None:
    pairs = [("Set-Cookie", "a=1; Secure"), ("Set-Cookie", "session=2")]
    in_bytes = [(name.encode(), value.encode()) for name, value in pairs]
    message = http.client.HTTPMessage()
    for name, value in pairs:
        message[name] = value
    response = bare_client(answer(in_bytes)).get("/")
    several = SimpleNamespace(multi_items=lambda: pairs)
    joined = SimpleNamespace(items=lambda: [("Set-Cookie", "a=1; Secure, session=2")])
    below = SimpleNamespace(getlist=None, items=lambda: pairs)
    django = SimpleNamespace(headers={}, cookies=SimpleCookie("session=2"), status_code=200)
    for form in (
        pairs,
        iter(pairs),
        in_bytes,
        {"set-cookie": ["a=1; Secure", "session=2"]},
        message,
        response,
        response.headers,
        SimpleNamespace(headers=several),
        SimpleNamespace(headers=SimpleNamespace(raw=tuple(in_bytes))),
        SimpleNamespace(headers=joined, raw=SimpleNamespace(headers=below)),
        django,
    ):
        found = [one.message for one in mantlet.audit(form).findings if one.rule == "cookies.secure"]
        assert len(found) == 1 and "session" in found[0], form


def test_the_url_is_that_which_was_asked_for() -> None:
    def url(**facts: Any) -> str:
        return mantlet.audit(SimpleNamespace(headers={}, **facts)).url

    asked = "https://app.example/asked"
    assert url() == "https://localhost/"
    assert url(url=asked) == asked
    assert url(request=SimpleNamespace(url=asked), url="/led") == asked
    # Django's redirects have the URL to which they lead
    assert url(url="https://led.example/", wsgi_request=SimpleNamespace(build_absolute_uri=lambda: asked)) == asked


def test_redirects_before_the_page_are_judged_with_it() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"strict-transport-security", b"max-age=31536000")] if scope["path"] == "/page" else []
        status, location = (200, []) if headers else (302, [(b"location", b"/page")])
        await send({"type": "http.response.start", "status": status, "headers": headers + location})
        await send({"type": "http.response.body", "body": b""})

    followed = mantlet.audit(bare_client(app).get("/", follow_redirects=True))
    found = [(one.severity, one.place, one.text) for one in followed.findings if one.rule == "hsts.missing"]
    assert found == [("low", "redirect", "https://testserver/")]


def test_more_of_the_page_is_judged_where_it_is_told() -> None:
    html = [("content-type", "text/html")]
    nonce = [("Content-Security-Policy", "script-src 'nonce-4AEemGb0xJptoIGFP3Nd4w'"), *html]
    assert "csp.weak-nonce" not in rules(mantlet.audit(nonce))
    assert "csp.weak-nonce" in rules(mantlet.audit(nonce, again=nonce))
    assert "errors.headers" not in rules(mantlet.audit(PERMISSIVE))
    for where in ("not_found", "error"):
        lost = mantlet.audit(PERMISSIVE, **{where: html})  # type: ignore[arg-type]
        finding = next(one for one in lost.findings if one.rule == "errors.headers")
        assert finding.place is not None and finding.place.endswith(" page")
    refused, taken = SimpleNamespace(status_code=403, headers={}), SimpleNamespace(status=200, headers={})
    assert "csrf.accepted" not in rules(mantlet.audit({}, cross_site_post=refused))
    assert "csrf.accepted" in rules(mantlet.audit({}, cross_site_post=taken))
    assert "csrf.accepted" in rules(mantlet.audit({}, cross_site_post=204))


@pytest.mark.parametrize("headers", [None, 1, "Server: a", b"", [("a",)], ["ab"], [("a", 1)], {"a": None}, object()])
def test_what_is_no_response_is_refused(headers: Any) -> None:
    with pytest.raises(TypeError, match="header fields"):
        mantlet.audit(headers)


@pytest.mark.parametrize("facts", [{"url": "/"}, {"url": "ftp://a/"}, {"status": 99}, {"status": 1000}, {"url": "x\0"}])
def test_what_is_no_page_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        mantlet.audit({}, **facts)


def test_any_octets_are_judged() -> None:
    octets = bytes(range(256))
    pairs = [
        (name, octets) for name in (b"content-security-policy", b"set-cookie", b"strict-transport-security", octets)
    ]
    assert mantlet.audit(pairs, body=octets).grade == "F"


# what a policy sends


@pytest.mark.parametrize(
    ("preset", "grade", "found"),
    [
        (Preset.STRICT, "A+", []),
        (Preset.BALANCED, "A+", []),
        (Preset.STREAMLIT, "A+", []),
        (Preset.BASIC, "A", ["permissions.missing"]),
        (Preset.API, "A", ["isolation.opener"]),
    ],
)
def test_presets_have_their_grade(preset: Preset, grade: str, found: list[str]) -> None:
    audit = mantlet.check(preset).audit()
    assert audit.grade == grade and rules(audit, "high", "medium", "low") == found


def test_what_is_shown_is_what_is_sent() -> None:
    policy = Policy(preset="balanced", hosts=["*.example.com"], headers={"x-here": "1"})
    facts = {"scheme": "https", "headers": [(b"host", b"www.example.com")]}
    start = asgi(Mantlet(answer([(b"content-type", b"text/html")]), policy), scope(**facts))[0]
    sent = mantlet.check(policy)
    assert [(name.encode(), value.encode()) for name, value in sent] == start["headers"][1:]
    assert (sent.url, sent.status) == ("https://www.example.com/", 200)
    assert dict(sent)["x-here"] == "1"


def test_a_path_gets_what_its_route_sends_and_plain_http_no_hsts(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "mantlet.toml"
    file.write_text("[[route]]\npath = '/docs'\n[route.headers]\nreferrer-policy = 'no-referrer'\n")
    for form in (file, str(file), Policy.from_file(file)):
        assert dict(mantlet.check(form))["referrer-policy"] == "strict-origin-when-cross-origin"
        assert dict(mantlet.check(form, "/docs/a"))["referrer-policy"] == "no-referrer"
    assert "strict-transport-security" in dict(mantlet.check(file))
    plain = mantlet.check(file, https=False)
    assert "strict-transport-security" not in dict(plain)
    assert rules(plain.audit(), "high") == ["transport.no-https"]
    assert mantlet.check(file).audit(profile="presence").grade == "A+"


def test_an_answer_of_the_policy_s_own_is_shown_and_not_graded() -> None:
    sent = mantlet.check(Policy(https="redirect"), "/a", https=False)
    assert sent.status == 301 and dict(sent)["location"] == "https://example.com/a"
    with pytest.raises(ValueError, match="301"):
        sent.audit()


def test_a_policy_with_errors_is_refused_with_all_of_them(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "mantlet.toml"
    file.write_text("[headers]\nx-frame-options = 'ALLOWALL'\n[csp]\nscript-src = ['self']\n")
    with pytest.raises(PolicyError) as caught:
        mantlet.check(file)
    assert "x-frame-options" in str(caught.value) and "script-src" in str(caught.value)
    with pytest.raises(PolicyError, match="cannot read"):
        mantlet.check(tmp_path / "absent.toml")


@pytest.mark.parametrize("path", ["", "docs", "https://example.com/", "/a?b", "/a b"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError):
        mantlet.check(Preset.STRICT, path)


def test_a_look_at_a_policy_counts_for_none_of_its_limits() -> None:
    policy = Policy("[[limit]]\nname = 'one'\nrequests = 1\nwindow = '1h'\n")
    assert {mantlet.check(policy).status for _ in range(3)} == {200}
    app = Mantlet(answer(), policy)
    assert [asgi(app, scope())[0]["status"] for _ in range(2)] == [200, 429]
    assert mantlet.check(policy).status == 200


# a policy for Streamlit that lets nearly everything through, and what goes into its place


def test_the_permissive_policy_is_taken_by_the_builder_as_it_is() -> None:
    policy = (
        mantlet.ContentSecurityPolicy()
        .default_src("'self'")
        .script_src("'self'", "'unsafe-inline'", "'unsafe-eval'")
        .style_src("'self'", "'unsafe-inline'")
        .img_src("'self'", "data:", "blob:")
        .connect_src("'self'", "*")
    )
    assert policy.header_value == PERMISSIVE_CSP
    assert mantlet.ContentSecurityPolicy().value(PERMISSIVE_CSP).header_value == PERMISSIVE_CSP


def test_the_permissive_policy_is_an_e_and_the_preset_streamlit_an_a_plus() -> None:
    before = mantlet.audit(PERMISSIVE)
    assert (before.grade, before.score) == ("E", 45)
    assert rules(before, "high") == ["csp.unsafe-inline"]
    assert rules(before, "medium") == ["csp.unsafe-eval"]
    assert rules(before, "low") == ["csp.missing-directive", "isolation.opener"]
    after = mantlet.check(Preset.STREAMLIT).audit()
    assert after.grade == "A+" and rules(after, "high", "medium", "low") == []
    sent = dict(mantlet.check(Preset.STREAMLIT))
    # the other five fields are those of the plan
    assert {name.lower() for name, value in PERMISSIVE.items() if sent[name.lower()] == value} == {
        name.lower() for name in PERMISSIVE
    } - {"content-security-policy"}


def test_the_classes_of_secure_are_graded_like_a_response() -> None:
    assert mantlet.audit(mantlet.Secure.from_preset(mantlet.secure.Preset.STRICT)).grade == "A+"


# the document


def test_the_examples_of_the_document_run() -> None:
    pytest.importorskip("starlette.testclient")
    document = pathlib.Path(__file__).parents[2] / "docs" / "audit.md"
    examples = re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL)
    assert len(examples) == 4
    names: dict[str, Any] = {"app": Mantlet(answer([(b"content-type", b"text/html")]), Preset.BALANCED)}
    for example in examples:
        exec(compile(example, str(document), "exec"), names)
    names["test_the_page_is_an_a"]()
