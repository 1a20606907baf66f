#!/usr/bin/env python3
"""Make the cases of the testkit with the real sops, and check that sops does what they say.

    python testkit/make.py            make the cases that are missing
    python testkit/make.py NAME ...   make these again
    python testkit/make.py --check    make nothing; compare what sops does with every case

sops must be on PATH. Each case is an entry of `CASES` in `caselist.py`. A file has a new data key whenever it
is made: make again only what changed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from caselist import CASES, Case
from run import SECRET, same

KIT = Path(__file__).parent
SUFFIXES = {"yaml": "yaml", "json": "json", "dotenv": "env", "ini": "ini", "binary": "bin"}
EXITS = {"data": 0, "not-encrypted": 1, "value": 25, "mac": 51, "no-key": 128}
"""The exit codes of sops. It has none for what is damaged."""


def main(arguments: list[str]) -> int:
    """Make or check cases; return the exit code."""
    sops = shutil.which("sops")
    if sops is None:
        print("sops is not on PATH", file=sys.stderr)
        return 2
    index = KIT / "cases.json"
    known = {entry["name"]: entry for entry in json.loads(index.read_text("utf-8"))} if index.exists() else {}
    check, names = "--check" in arguments, [name for name in arguments if not name.startswith("-")]
    version = run(sops, ["--version"], {}, KIT)[1].decode().split()[1]
    wrong, entries = 0, []
    for case in CASES:
        stale = case.name in names or case.name not in known or not target(case).exists()
        if stale and not check:
            write(sops, case)
        entry, fine = described(sops, case, version)
        wrong += not fine
        entries.append(entry)
    if not check:
        index.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(CASES)} cases, {wrong} of them with another outcome than they say")
    return 1 if wrong else 0


def write(sops: str, case: Case) -> None:
    """Write the encrypted file of a case."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file.{SUFFIXES[case.format]}"
        path.write_bytes(case.plain)
        if case.config:
            config = case.config
            for name in ("alice", "bob", "carol", "post-quantum"):
                config = config.replace(name.upper(), public(name))
            (Path(folder) / ".sops.yaml").write_text(config, encoding="utf-8")
            recipients = []
        else:
            recipients = ["--age", ",".join(public(name) for name in case.recipients)]
        command = ["encrypt", *recipients, *case.arguments, "-i", path.name]
        code, _, error = run(sops, command, environment(()), Path(folder))
        if code:
            raise SystemExit(f"{case.name}: sops does not encrypt it: {error.decode()}")
        target(case).parent.mkdir(exist_ok=True)
        target(case).write_bytes(case.change(path.read_bytes()))


def described(sops: str, case: Case, version: str) -> tuple[dict[str, object], bool]:
    """Return the entry of a case, and whether sops does what it says. Write its expected data."""
    code, out, error = decrypted(sops, case)
    entry: dict[str, object] = {
        "name": case.name,
        "about": case.about,
        "file": f"cases/{target(case).name}",
        "format": case.format,
        "keys": list(case.keys),
        "expect": case.expect,
    }
    if case.expect == "data":
        expected = KIT / "expected" / f"{case.name}.{'bin' if case.format == 'binary' else 'json'}"
        expected.parent.mkdir(exist_ok=True)
        if case.format == "binary":
            expected.write_bytes(case.plain)
        else:
            data = case.data if case.data is not None else [json.loads(out or b"null")]
            expected.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        entry["data"] = f"expected/{expected.name}"
    entry["sops"] = {"version": version, "exit": code}
    if case.sops_differs:
        entry["sops_differs"] = case.sops_differs
    wanted = EXITS.get(case.expect)
    fits = code == wanted if wanted is not None else code != 0
    if case.expect == "data":
        fits = fits and same((KIT / str(entry["data"])).read_bytes(), out, case.format)
    else:
        fits = fits and SECRET not in out + error
    if fits == bool(case.sops_differs):
        print(
            f"{case.name}: expected {case.expect}, and sops {'does so' if fits else f'differs (exit {code})'}"
        )
        return entry, False
    return entry, True


def decrypted(sops: str, case: Case) -> tuple[int, bytes, bytes]:
    """Return the exit code of sops for a case, and what it prints on both streams."""
    output = "binary" if case.format == "binary" else "json"
    command = ["decrypt", "--input-type", case.format, "--output-type", output, str(target(case))]
    with tempfile.TemporaryDirectory() as home:
        return run(sops, command, environment(case.keys), Path(home))


def environment(keys: tuple[str, ...]) -> dict[str, str]:
    """Return the variables that hand over keys."""
    return {"SOPS_AGE_KEY": "\n".join((KIT / "keys" / f"{name}.agekey").read_text("utf-8") for name in keys)}


def run(sops: str, arguments: list[str], variables: dict[str, str], folder: Path) -> tuple[int, bytes, bytes]:
    """Run sops with no other keys than those in the variables."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "SOPS_DISABLE_VERSION_CHECK": "1",
        **variables,
    }
    done = subprocess.run(
        [sops, *arguments], cwd=folder, env=environ, capture_output=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


def public(name: str) -> str:
    """Return the recipient of a key in `keys/`."""
    return str(json.loads((KIT / "keys" / "recipients.json").read_text("utf-8"))[name])


def target(case: Case) -> Path:
    """Return the path of a case's file."""
    return KIT / "cases" / f"{case.name}.{SUFFIXES[case.format]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
