"""`mantlet limit simulate`: an access log, of a model of who asks or of nginx, through the limits of a policy."""

import fcntl
import gzip
import json
import os
import pathlib
import pty
import re
import shutil
import struct
import subprocess
import termios
import xml.etree.ElementTree as xml
from collections.abc import Callable

import pytest
from support import PATIENCE, PROGRAM, Running, accepts, ask, free_port, mantlet, until

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
START = 1_795_359_600  # 2026-11-22 15:00:00 UTC
POLICY = """
preset = "strict"
hosts.allowed = ["only.example"]

[[limit]]
name = "per-client"
algorithm = "sliding_window"
requests = {requests}
window = "1m"
"""
#: who asks: one in a burst, and two hundred and fifty now and then
ABUSER, BURST = "198.51.100.7", 300


def requests() -> list[tuple[int, str]]:
    """Second and client of each request, in order."""
    asked = [(second, f"192.0.2.{(second * second + turn) % 250}") for second in range(900) for turn in range(3)]
    asked += [(400 + number // 10, ABUSER) for number in range(BURST)]
    return sorted(asked)


def combined(asked: list[tuple[int, str]]) -> str:
    line = '{} - - [22/Nov/2026:15:{:02}:{:02} +0000] "GET /item?id=1 HTTP/1.1" 200 512 "-" "a \\x22browser\\x22"\n'
    return "".join(line.format(client, second // 60, second % 60) for second, client in asked)


def caddy(asked: list[tuple[int, str]]) -> str:
    def line(second: int, client: str) -> str:
        request = {"remote_ip": client, "client_ip": client, "method": "GET", "uri": "/item?id=1", "headers": {}}
        return json.dumps({"ts": START + second, "msg": "handled request", "request": request, "status": 200})

    return "".join(line(*one) + "\n" for one in asked)


def simulated(folder: pathlib.Path, *words: object, limit: int = 60) -> dict[str, object]:
    (folder / "mantlet.toml").write_text(POLICY.format(requests=limit))
    told = mantlet(folder, "limit", "simulate", "--json", "--trace", *words)
    assert (told.returncode, told.stderr) == (0, ""), told.stderr
    return json.loads(told.stdout)


def test_who_would_have_been_limited_is_told(tmp_path: pathlib.Path) -> None:
    (tmp_path / "access.log").write_text(combined(requests()))
    told = simulated(tmp_path, "access.log")
    everything = len(requests())
    assert (told["requests"], told["lines"], told["malformed"]) == (everything, everything, 0)
    assert (told["first"], told["last"]) == ("2026-11-22T15:00:00Z", "2026-11-22T15:14:59Z")
    [limit] = told["limits"]
    assert limit["name"] == "per-client"
    # 30 seconds of 10 a second: 60 pass
    [top] = limit["top"]
    assert top == {
        "key": ABUSER,
        "requests": BURST,
        "limited": BURST - 60,
        "first": "2026-11-22T15:06:46Z",
        "longest_run": BURST - 60,
    }
    assert told["denied"] == limit["denied"] == BURST - 60
    assert limit["limited_keys"] == 1
    assert sum(told["timeline"]["passed"]) + sum(told["timeline"]["limited"]) == everything
    assert sum(told["timeline"]["limited"]) == told["denied"]


def test_the_quota_that_is_said_to_be_enough_is(tmp_path: pathlib.Path) -> None:
    (tmp_path / "access.log").write_text(combined(requests()))
    [tight] = simulated(tmp_path, "access.log", limit=1)["limits"]
    assert tight["limited_keys"] > 0.1 * tight["keys"]
    enough = simulated(tmp_path, "access.log", limit=tight["enough_for_99_9_percent"])
    [limit] = enough["limits"]
    assert limit["limited_keys"] <= 0.001 * limit["keys"]


def test_every_form_of_a_log_says_the_same(tmp_path: pathlib.Path) -> None:
    text = combined(requests())
    (tmp_path / "access.log").write_text(text)
    (tmp_path / "access.log.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "caddy.log").write_text(caddy(requests()))
    middle = text.index("\n", len(text) // 2) + 1
    (tmp_path / "new.log").write_text(text[middle:])
    (tmp_path / "old.log.gz").write_bytes(gzip.compress(text[:middle].encode()))
    plain = simulated(tmp_path, "access.log")
    for words in (
        ["access.log.gz"],
        ["caddy.log"],
        ["caddy.log", "--format", "caddy"],
        ["access.log", "--format", "combined"],
        ["old.log.gz", "new.log"],
    ):
        told = simulated(tmp_path, *words)
        assert {k: v for k, v in told.items() if k != "logs"} == {k: v for k, v in plain.items() if k != "logs"}
    for piped in (text.encode(), gzip.compress(text.encode())):
        command = [PROGRAM, "limit", "simulate", "--json", "--trace", "-"]
        told = subprocess.run(command, cwd=tmp_path, input=piped, capture_output=True, timeout=PATIENCE)
        assert json.loads(told.stdout) == plain | {"logs": ["standard input"]}


def test_lines_that_cannot_be_read_are_told_with_their_places(tmp_path: pathlib.Path) -> None:
    lines = combined(requests()[:100]).splitlines()
    lines[10] = "rubbish"
    lines[20] = lines[20].replace("GET /item?id=1 HTTP/1.1", "\\x16\\x03\\x01")
    lines[30] = "x" * 100_000
    lines[40], lines[70] = lines[70], lines[40]
    (tmp_path / "access.log").write_text("\n".join(lines))
    told = simulated(tmp_path, "access.log")
    assert (told["lines"], told["requests"], told["without_request"], told["malformed"]) == (100, 97, 1, 2)
    assert [(one["log"], one["line"]) for one in told["first_malformed"]] == [("access.log", 11), ("access.log", 31)]
    assert told["out_of_order"] > 0 and told["furthest_out_of_order_seconds"] == 10
    text = mantlet(tmp_path, "limit", "simulate", "--trace", "access.log").stdout
    for said in (
        "2 lines could not be read",
        "access.log:11: no time",
        "access.log:31: it is longer",
        "by 10 s at the most",
    ):
        assert said in text, text


def test_the_text_and_the_drawing_say_what_the_json_says(tmp_path: pathlib.Path) -> None:
    (tmp_path / "access.log").write_text(combined(requests()))
    (tmp_path / "mantlet.toml").write_text(POLICY.format(requests=60))
    told = mantlet(tmp_path, "limit", "simulate", "--trace", "access.log", "--svg", "out.svg")
    assert (told.returncode, told.stderr) == (0, "")
    for said in (
        "access.log: 3,000 requests\nfrom 2026-11-22 15:00:00 to 2026-11-22 15:14:59 UTC (14 min 59 s)\n",
        "240 would have been denied (8.0 %)\n",
        "per-client: 60 in 1m for each client; sliding window; counted in this process\n",
        f"  {ABUSER}\n",
    ):
        assert said in told.stdout, told.stdout
    assert "\x1b" not in told.stdout
    drawing = xml.parse(tmp_path / "out.svg").getroot()
    name = "{http://www.w3.org/2000/svg}"
    assert drawing.tag == f"{name}svg" and drawing.get("role") == "img"
    assert "limited" in drawing.findtext(f"{name}title", "")
    assert "3,000 requests" in drawing.findtext(f"{name}desc", "")
    limited = [path for path in drawing.iter(f"{name}path") if path.get("class") == "limited"]
    assert len(limited) == 1 and limited[0].get("d", "").startswith("M")


def in_terminal(folder: pathlib.Path, columns: int, environment: dict[str, str]) -> str:
    """What it writes to a terminal of so many columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [PROGRAM, "limit", "simulate", "--trace", "access.log"]
    variables = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | environment
    process = subprocess.Popen(command, cwd=folder, stdin=slave, stdout=slave, stderr=slave, env=variables)
    os.close(slave)
    said = b""
    try:
        while more := os.read(master, 65536):
            said += more
    except OSError:
        pass  # the other end is closed
    finally:
        os.close(master)
        process.wait(PATIENCE)
    assert process.returncode == 0, said
    return said.decode()


def test_a_terminal_gets_color_and_as_many_bars_as_fit(tmp_path: pathlib.Path) -> None:
    (tmp_path / "access.log").write_text(combined(requests()))
    (tmp_path / "mantlet.toml").write_text(POLICY.format(requests=60))

    def widest(text: str) -> int:
        plain = re.sub(r"\x1b\[\d+m", "", text)
        return max(len(line.rstrip()) for line in plain.splitlines() if re.search("[\u2581-\u2588]", line))

    wide, narrow = in_terminal(tmp_path, 100, {}), in_terminal(tmp_path, 40, {})
    assert "\x1b[31m" in wide
    assert 40 < widest(wide) <= 100
    assert widest(narrow) <= 40
    assert "\x1b" not in in_terminal(tmp_path, 80, {"NO_COLOR": "1"})


@pytest.mark.parametrize(
    ("policy", "log", "said"),
    [
        (None, "", "cannot read mantlet.toml"),
        ("limit = { requests = 1 }", "", "limit.window"),
        ('preset = "strict"', "", "has no limit to try"),
        ("limit = { requests = 1, window = 1 }", None, "cannot read access.log"),
        ("limit = { requests = 1, window = 1 }", "", "tells of no request"),
        ("limit = { requests = 1, window = 1 }", "not a log\n", "access.log:1: no time"),
        ("limit = { requests = 1, window = 1 }", "\x1f\x8bno gzip", "cannot read access.log"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: pathlib.Path, policy: str | None, log: str | None, said: str) -> None:
    if policy is not None:
        (tmp_path / "mantlet.toml").write_text(policy)
    if log is not None:
        (tmp_path / "access.log").write_text(log, encoding="latin-1")
    told = mantlet(tmp_path, "limit", "simulate", "--trace", "access.log")
    assert (told.returncode, told.stdout) == (2, "")
    assert said in told.stderr


def test_what_nginx_writes_is_read(tmp_path: pathlib.Path, started: Callable[..., Running]) -> None:
    assert NGINX, "nginx is not installed"
    port = free_port()
    (tmp_path / "nginx.conf").write_text(
        f"""
daemon off; master_process off; pid nginx.pid; error_log stderr warn;
events {{ worker_connections 64; }}
http {{
    access_log access.log combined;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{ listen 127.0.0.1:{port}; location / {{ return 204; }} }}
}}
"""
    )
    running = started([NGINX, "-p", f"{tmp_path}/", "-c", "nginx.conf"], tmp_path)
    until(lambda: running.process.poll() is not None or accepts(port), "nginx listens")
    for number in range(20):
        ask(
            port,
            f"/a{number}?q=%22",
            headers={"User-Agent": 'a "quoted" \\ \t agent', "Referer": "http://a.example/[b]"},
        )
    running.stop()
    (tmp_path / "mantlet.toml").write_text("limit = { requests = 5, window = '1h', key = { header = 'user-agent' } }")
    told = mantlet(tmp_path, "limit", "simulate", "--json", "--trace", "access.log")
    told = json.loads(told.stdout)
    # a connection that asks nothing, as the one that finds out whether it listens, leaves no line
    assert (told["requests"], told["denied"], told["malformed"]) == (20, 15, 0)
    assert told["limits"][0]["top"][0]["key"].startswith("user-agent #")
