"""The auditor beside the HTTP Observatory's analyser and csp-evaluator, by CPU time in one sitting; and a cold scan.

Ratios are asserted, times are shown: they are those of the machine. Needs Node; tests/audit/run.sh installs the peers.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OURS = ROOT / "benches/target/release/audit"
PROGRAM = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/mantlet"
ROUNDS = 3
COLD = 20


def measured(*command: str | Path) -> float:
    """Judgements per second of CPU."""
    told = json.loads(
        subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout
    )
    return told["count"] / told["cpu"]


def compared(name: str, wanted: float, ours: list, peer: list) -> bool:
    """Runs both in turn, so that both meet the same load; the ratio is that of the best of each."""
    own, others = [], []
    for _ in range(ROUNDS):
        own.append(measured(*ours))
        others.append(measured(*peer))
    ratio = max(own) / max(others)
    print(f"{name:<48} {max(own):>12,.0f} {max(others):>10,.0f} {ratio:>8,.0f}x   (wanted: {wanted:g}x)")
    return ratio >= wanted


def cold(capture: Path) -> bool:
    """A process from start to end: CPU and clock of the best run, memory of the largest."""
    clocks, before = [], resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(COLD):
        start = time.perf_counter()
        subprocess.run([str(PROGRAM), "scan", str(capture)], check=True, stdout=subprocess.DEVNULL)
        clocks.append(time.perf_counter() - start)
    pid = os.posix_spawn(PROGRAM, [str(PROGRAM), "scan", str(capture), "--output", os.devnull], os.environ)
    usage = os.wait4(pid, 0)[2]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / (COLD + 1)
    print(
        f"cold scan of a file: {cpu * 1e3:.1f} ms CPU, {min(clocks) * 1e3:.1f} ms clock, "
        f"{usage.ru_maxrss / 1024:.1f} MB"
    )
    return min(clocks) <= 0.020 and usage.ru_maxrss <= 20 * 1024


def main() -> int:
    """Prints the table; fails if a ratio is missed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["node", "dump.js", name], cwd=ROOT / "tests/audit", check=True)
        captures, policies = folder / "captures.json", folder / "policies.json"
        node = ["node", ROOT / "benches/audit.js"]
        print(f"{'judgements per second of CPU':<48} {'mantlet':>12} {'peer':>10}")
        good = [
            compared(
                "headers to grade, algorithm 4 (Observatory)",
                20,
                [OURS, "observatory", captures, "2"],
                [*node, "observatory", captures, "2"],
            ),
            compared(
                "headers to findings, our own rules (Observatory)",
                20,
                [OURS, "mantlet", captures, "2"],
                [*node, "observatory", captures, "2"],
            ),
            compared(
                "policy to findings (csp-evaluator)",
                15,
                [OURS, "evaluator", policies, "2"],
                [*node, "evaluator", policies, "2"],
            ),
        ]
        one = folder / "one.json"
        one.write_text(json.dumps(json.loads(captures.read_text())[0]))
        good.append(cold(one))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
