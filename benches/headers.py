#!/usr/bin/env python3
"""Instructions for nine headers on a response with six: mantlet beside its peers, by callgrind.

The bars are for header fields alone, which is all that the peers do: cross-origin protection is off. `mantlet-checks`
is the same policy with it. Counts repeat exactly for the same binary, so the ratios may gate: exits 1 when a bar is
missed. Run by `make bench`.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent
BINARY = ROOT / "target" / "release" / "headers"
SUBJECTS = ["base", "bare", "mantlet", "mantlet-checks", "tower-http", "tower-http-multi", "axum-helmet"]
FEW, MANY = 1000, 2000
#: mantlet over each peer, both without the base
BARS = {"tower-http": 0.70, "tower-http-multi": 0.55, "axum-helmet": 0.70}


def section(subject: str) -> str:
    return subprocess.run([BINARY, subject, "0"], check=True, capture_output=True, text=True).stdout


def instructions(subject: str, rounds: int) -> int:
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(BINARY), subject, str(rounds)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    collected = re.search(r"Collected\s*:\s*(\d+)", told)
    assert collected, told
    return int(collected[1])


def allocations(subject: str, rounds: int) -> int:
    told = subprocess.run(
        ["valgrind", str(BINARY), subject, str(rounds)], check=True, capture_output=True, text=True
    ).stderr
    used = re.search(r"total heap usage: ([\d,]+) allocs", told)
    assert used, told
    return int(used[1].replace(",", ""))


def main() -> int:
    sections = {subject: section(subject) for subject in SUBJECTS if subject != "base"}
    if len(set(sections.values())) != 1:
        print("the subjects do not send the same header section:", *sections.items(), sep="\n", file=sys.stderr)
        return 1
    cost = {s: (instructions(s, MANY) - instructions(s, FEW)) / (MANY - FEW) for s in SUBJECTS}
    base = cost.pop("base")
    missed = []
    print(f"{'subject':<18}{'instructions':>13}{'mantlet / it':>14}{'bar':>7}")
    for subject, total in cost.items():
        own = total - base
        ratio = (cost["mantlet"] - base) / own
        bar = BARS.get(subject)
        print(f"{subject:<18}{own:>13.0f}{ratio:>14.3f}{f'{bar:.2f}' if bar else '-':>7}")
        if bar and ratio > bar:
            missed.append(subject)
    per_response = {s: (allocations(s, 200) - allocations(s, 100)) / 100 for s in ("bare", "mantlet")}
    print(f"allocations a response: {per_response['bare']:.0f} bare, {per_response['mantlet']:.0f} mantlet")
    if per_response["mantlet"] > per_response["bare"]:
        missed.append("allocations of the header map alone")
    if missed:
        print("missed against:", ", ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
