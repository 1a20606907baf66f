#!/usr/bin/env python3
"""Run the testkit with any implementation of SOPS: a command per case, whose exit code and output are judged.

    python testkit/run.py 'sops decrypt --input-type {format} --output-type {output} {file}'

docs/testkit.md explains the cases. Python 3.11 or later is all that this needs.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

KIT = Path(__file__).parent
SECRET = b"throwaway"
"""What a refused file must not print: every value that gets encrypted has it."""


def main(arguments: list[str]) -> int:
    """Run the cases; return the exit code."""
    options = parsed(arguments)
    cases = json.loads((KIT / "cases.json").read_text("utf-8"))
    exits = {name: int(code) for name, _, code in (text.partition("=") for text in options.exit)}
    counts: Counter[str] = Counter()
    for case in cases:
        if not any(fnmatch(case["name"], pattern) for pattern in options.only or ["*"]):
            continue
        said = judged(case, options.command, exits)
        if said is not None and options.as_sops and "sops_differs" in case:
            counts["differs as sops does"] += 1
        elif said is not None:
            counts["failed"] += 1
            print(f"{case['name']}: {said}\n  {case['about']}")
        else:
            counts["passed"] += 1
    print(", ".join(f"{number} {what}" for what, number in sorted(counts.items(), reverse=True)) or "no case")
    return 1 if counts["failed"] or not counts else 0


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description="Run the testkit with an implementation of SOPS.")
    parser.add_argument(
        "command",
        help="what decrypts a file and prints it; {file}, {format} (yaml, json, dotenv, ini, binary), "
        "{output} (json, or binary for binary files) and {keys} (a file with age identities) are filled in",
    )
    parser.add_argument(
        "--exit",
        action="append",
        default=[],
        metavar="CLASS=CODE",
        help="the exit code for a class of outcome",
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="these cases; NAME may have * and ?")
    parser.add_argument(
        "--as-sops", action="store_true", help="accept what sops does where the case says that sops is wrong"
    )
    return parser.parse_args(arguments)


def judged(case: dict[str, object], command: str, exits: dict[str, int]) -> str | None:
    """Run a case; return what is wrong, or None."""
    keys = b"\n".join((KIT / "keys" / f"{name}.agekey").read_bytes() for name in case["keys"])  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "keys.txt").write_bytes(keys)
        (home / "keys.txt").chmod(0o600)
        places = {
            "file": str(KIT / str(case["file"])),
            "format": str(case["format"]),
            "output": "binary" if case["format"] == "binary" else "json",
            "keys": str(home / "keys.txt"),
        }
        words = [word.format_map(places) for word in shlex.split(command)]
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SOPS_", "XDG_")) and name != "HOME"
        }
        environ |= {"HOME": folder, "SOPS_AGE_KEY_FILE": places["keys"], "SOPS_DISABLE_VERSION_CHECK": "1"}
        done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, timeout=60, check=False)
    if case["expect"] == "data":
        if done.returncode:
            return f"exit code {done.returncode}, expected data"
        expected = (KIT / str(case["data"])).read_bytes()
        return None if same(expected, done.stdout, str(case["format"])) else "other data than expected"
    if done.returncode == 0:
        return f"exit code 0, expected a refusal ({case['expect']})"
    if SECRET in done.stdout + done.stderr:
        return "a refused file, but its plain text is printed"
    wanted = exits.get(str(case["expect"]), done.returncode)
    return (
        None
        if done.returncode == wanted
        else f"exit code {done.returncode}, expected {wanted} ({case['expect']})"
    )


def same(expected: bytes, printed: bytes, kind: str) -> bool:
    """Return whether what was printed is the expected data. The first of several documents is enough."""
    if kind == "binary":
        return printed == expected
    wanted = json.loads(expected)
    decoder, text, found = json.JSONDecoder(), printed.decode("utf-8", "replace").lstrip(), []
    while text:
        try:
            value, end = decoder.raw_decode(text)
        except ValueError:
            return False
        found.append(value)
        text = text[end:].lstrip()
    if kind == "ini":  # sops has a section without a name, which may be empty
        found = [
            {name: value for name, value in each.items() if value or name != "DEFAULT"} for each in found
        ]
    return alike(wanted, found) or alike(wanted[:1], found)


def alike(one: object, other: object) -> bool:
    """Return whether two JSON values are equal: `1` and `1.0` are, `1` and `true` are not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return one == other and isinstance(one, bool) == isinstance(other, bool)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
