"""The subcommands that end: check, init, explain, schema, demo. Exit codes: 0 done, 1 failed at work, 2 unusable."""

import json
import pathlib
import tomllib
from collections.abc import Callable

import jsonschema
import pytest
from support import PROGRAM, ROOT, Running, ask, mantlet

PRESETS = ["basic", "balanced", "strict", "api", "streamlit", "none"]
#: policies as people write them
GOOD = {
    "everything": """
preset = "strict"
environment = "production"
https = "redirect"
trusted_proxies = ["10.0.0.0/8", "::1/128"]

[csp]
script-src = ["'self'"]
img-src = { add = ["https://cdn.example.com"] }

[csp_report_only]
script-src = ["'none'"]
report-uri = ["/reports"]

[headers]
referrer-policy = "no-referrer"
x-powered-by = { mode = "remove" }
strict-transport-security = { max-age = 31536000, includeSubDomains = true }
permissions-policy = { camera = [], geolocation = ["self"] }

[cookies]
secure = true
httponly = true
samesite = "Lax"

[cookies.exceptions.csrftoken]
httponly = false

[cache]
default = "no-store"

[[route]]
path = "/docs"
overlay = "swagger-ui"

[[route]]
path = "/app"
csp = false
""",
    "nothing": "",
    "nonce": "nonce_upstream = true\n[csp]\nscript-src = [\"'nonce'\", \"'strict-dynamic'\"]\n",
    "several": "[[csp]]\ndefault-src = [\"'self'\"]\n[[csp]]\nscript-src = [\"'none'\"]\n",
}
#: and as they get them wrong: the text, what is said, and whether a schema can know
BAD = {
    "unknown": ("[csp]\nscript_src = [\"'self'\"]\n", "script-src", True),
    "preset": ('preset = "balance"\n', "balanced", True),
    "source": ('[csp]\nscript-src = ["self"]\n', "'self'", False),
    "type": ("trusted_proxies = 7\n", "trusted_proxies", True),
    "network": ('trusted_proxies = ["10.0.0.0/33"]\n', "10.0.0.0/33", False),
    "toml": ("preset = \n", "mantlet.toml", None),
}


def written(folder: pathlib.Path, text: str) -> pathlib.Path:
    path = folder / "mantlet.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", GOOD)
def test_check_accepts(tmp_path: pathlib.Path, name: str) -> None:
    written(tmp_path, GOOD[name])
    told = mantlet(tmp_path, "check")
    assert told.returncode == 0
    assert told.stderr == "" or (name == "nothing" and told.stderr.startswith("warning: mantlet.toml is empty"))
    assert told.stdout.startswith("mantlet.toml: right, for production (by ")
    assert "\nAn HTML page at / over https gets:\n\n" in told.stdout
    assert "\nstrict-transport-security: max-age=" in told.stdout
    quiet = mantlet(tmp_path, "check", "--quiet", "mantlet.toml")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", told.stderr)


@pytest.mark.parametrize("name", BAD)
def test_check_refuses(tmp_path: pathlib.Path, name: str) -> None:
    text, said, _ = BAD[name]
    written(tmp_path, text)
    told = mantlet(tmp_path, "check")
    assert (told.returncode, told.stdout) == (2, "")
    assert said in told.stderr
    assert told.stderr.endswith("mantlet.toml: 1 error\n")


def test_check_tells_every_error_at_its_line(tmp_path: pathlib.Path) -> None:
    written(tmp_path, 'preset = "balanced"\n[csp]\nscript-src = ["self"]\n[headers]\nreferrer-policy = "never"\n')
    told = mantlet(tmp_path, "check")
    assert told.returncode == 2
    assert told.stderr.endswith("mantlet.toml: 2 errors\n")
    assert "mantlet.toml:3" in told.stderr and "mantlet.toml:5" in told.stderr


def test_check_of_no_file(tmp_path: pathlib.Path) -> None:
    told = mantlet(tmp_path, "check")
    assert told.returncode == 2
    assert "cannot read mantlet.toml" in told.stderr


@pytest.mark.parametrize(
    ("requirements", "framework", "preset"),
    [
        ("streamlit==1.67.0\n", "Streamlit", "streamlit"),
        ("fastapi[standard]>=0.115\nuvicorn\n", "FastAPI", "balanced"),
        ("Django~=5.2\n", "Django", "balanced"),
        ("bottle\n", "any application", "balanced"),
    ],
)
def test_init_writes_a_file_that_check_accepts(
    tmp_path: pathlib.Path, requirements: str, framework: str, preset: str
) -> None:
    (tmp_path / "requirements.txt").write_text(requirements)
    told = mantlet(tmp_path, "init")
    assert (told.returncode, told.stdout) == (0, "")
    assert f"Wrote mantlet.toml for {framework}." in told.stderr
    policy = (tmp_path / "mantlet.toml").read_text()
    assert tomllib.loads(policy)["preset"] == preset
    assert mantlet(tmp_path, "check", "--quiet").returncode == 0

    again = mantlet(tmp_path, "init", "--preset", "strict")
    assert again.returncode == 2
    assert "mantlet.toml is there already" in again.stderr
    assert (tmp_path / "mantlet.toml").read_text() == policy
    assert mantlet(tmp_path, "init", "--preset", "strict", "--force").returncode == 0
    assert tomllib.loads((tmp_path / "mantlet.toml").read_text())["preset"] == "strict"


def test_init_takes_what_flags_say(tmp_path: pathlib.Path) -> None:
    told = mantlet(tmp_path, "init", "-o", "-", "--framework", "flask", "--redirect", "--trusted-proxy", "10.0.0.0/8")
    assert told.returncode == 0
    policy = tomllib.loads(told.stdout)
    assert (policy["https"], policy["trusted_proxies"]) == ("redirect", ["10.0.0.0/8"])
    assert not (tmp_path / "mantlet.toml").exists()
    wrong = mantlet(tmp_path, "init", "--trusted-proxy", "10.0.0.0/99")
    assert wrong.returncode == 2
    assert not (tmp_path / "mantlet.toml").exists()


@pytest.mark.parametrize("word", ["referrer-policy", "Strict-Transport-Security", "script-src", "strict"])
def test_explain(tmp_path: pathlib.Path, word: str) -> None:
    told = mantlet(tmp_path, "explain", word)
    assert (told.returncode, told.stderr) == (0, "")
    assert len(told.stdout) > 200


def test_explain_lists_and_suggests(tmp_path: pathlib.Path) -> None:
    listed = mantlet(tmp_path, "explain").stdout
    for word in ("referrer-policy", "script-src", *PRESETS):
        assert f"\n  {word} " in listed.lower()
    told = mantlet(tmp_path, "explain", "refferer-policy")
    assert told.returncode == 2
    assert "did you mean referrer-policy?" in told.stderr.lower()


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_a_policy_file_of_the_same_meaning(tmp_path: pathlib.Path, preset: str) -> None:
    text = mantlet(tmp_path, "explain", "--preset", preset).stdout
    assert text == (ROOT / f"crates/config/src/presets/{preset}.toml").read_text()
    written(tmp_path, 'preset = "none"\n' + text)
    spelled = mantlet(tmp_path, "check")
    assert (spelled.returncode, spelled.stderr) == (0, "")
    written(tmp_path, f'preset = "{preset}"\n')
    named = mantlet(tmp_path, "check")
    assert sorted(spelled.stdout.splitlines()) == sorted(named.stdout.splitlines())


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> jsonschema.protocols.Validator:
    told = mantlet(tmp_path_factory.mktemp("schema"), "schema")
    assert told.returncode == 0
    text = json.loads(told.stdout)
    jsonschema.Draft202012Validator.check_schema(text)
    return jsonschema.Draft202012Validator(text)


def test_the_schema_accepts_what_check_accepts(schema: jsonschema.protocols.Validator) -> None:
    texts = [*GOOD.values(), *(path.read_text() for path in ROOT.glob("crates/config/src/*/*.toml"))]
    assert len(texts) >= len(GOOD) + len(PRESETS)
    for text in texts:
        schema.validate(tomllib.loads(text))


def test_the_schema_refuses_what_check_refuses(schema: jsonschema.protocols.Validator) -> None:
    for text, _, shape in BAD.values():
        if shape:
            with pytest.raises(jsonschema.ValidationError):
                schema.validate(tomllib.loads(text))


def test_demo_once_shows_before_and_after(tmp_path: pathlib.Path) -> None:
    told = mantlet(tmp_path, "demo", "--once")
    assert (told.returncode, told.stderr) == (0, "")
    assert "content-security-policy\n    before  (absent)\n    after   default-src 'self'" in told.stdout
    assert "server\n    before  naive/1.4.2\n    after   (absent)" in told.stdout
    assert "session=abc123; Path=/; HttpOnly; SameSite=Lax" in told.stdout.replace("; Secure", "")
    forged = "posts to /transfer\n    before  303 See Other\n    after   403 Forbidden {"
    assert forged in told.stdout


def test_demo_serves_until_it_is_interrupted(started: Callable[..., Running], tmp_path: pathlib.Path) -> None:
    demo = started([PROGRAM, "demo"], tmp_path)
    naive = int(demo.says(r"A naive site +http://127\.0\.0\.1:(\d+)/")[1])
    guarded = int(demo.says(r"by mantlet +http://127\.0\.0\.1:(\d+)/")[1])
    demo.says("Ctrl-C stops")
    assert "content-security-policy" not in ask(naive)
    assert ask(guarded)["content-security-policy"].startswith("default-src 'self'")
    demo.process.send_signal(2)
    assert demo.ends() == 0


def test_a_wrong_word_is_exit_2(tmp_path: pathlib.Path) -> None:
    for words in (
        ["serve"],
        ["serve", "--upstream", "https://app.test"],
        ["serve", "--upstream", "http://app.test/path"],
        ["serve", "--upstream", "http://127.0.0.1:1", "--preset", "none", "--policy", "x.toml"],
        ["check", "--environment", "staging"],
        ["nothing"],
    ):
        assert mantlet(tmp_path, *words).returncode == 2, words
