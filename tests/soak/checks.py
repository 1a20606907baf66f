"""What must hold after a round, whatever happened in it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from fluxsecrets.api import decrypt
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.run.kept import LOCKED, open_kept
from fluxsecrets.repo.encrypted import detect_encryption
from soak.worlds import FILES, Command, run, secret_path, value


def check_round(
    world: Path, command: Command, edits: Mapping[Path, bytes], figures: Counter[str]
) -> list[str]:
    """What is wrong in a world after everything was ended."""
    root = world / "tree"
    run(("status",))  # the next command of whatever kind cleans up
    problems = [*_blocked(root), *_left_over(root)]
    texts = dict(_texts(root))
    problems += _lost_edits(root, edits, texts)
    if command.world == "waddle":
        problems += _unreadable_in_example(root)
    else:
        problems += _lost_values(root, texts, figures)
        problems += _plain_text(world, root, command)
    return problems


def _texts(root: Path) -> Iterator[tuple[Path, bytes]]:
    """All files of the tree, and the versions that are kept."""
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root).parts
        if path.is_file() and (inside[0] != ".git" or inside[:3] == (".git", "fluxsecrets", "kept")):
            yield path, open_kept(path) if path.name.endswith(LOCKED) else path.read_bytes()


def _blocked(root: Path) -> Iterator[str]:
    state = json.loads(run(("recover", "--format", "json"))[1])
    if state["interrupted"] or state["problem"] or (root / ".git/fluxsecrets/journal").exists():
        yield "there is no way out"


def _left_over(root: Path) -> Iterator[str]:
    for path in root.rglob("*.tmp"):
        if ".fluxsecrets-" in path.name:
            yield f"left over: {path.relative_to(root)}"
    state = root / ".git" / "fluxsecrets"
    for path in state.glob("*") if state.exists() else ():
        if path.name not in ("lock", "kept", "log.jsonl"):
            yield f"left over: {path.relative_to(root)}"


def _lost_edits(root: Path, edits: Mapping[Path, bytes], texts: Mapping[Path, bytes]) -> Iterator[str]:
    everything = b"\n".join(texts.values())
    for path, line in edits.items():
        if line not in everything:
            yield f"the last edit of {path.relative_to(root)} is lost"


def _lost_values(root: Path, texts: Mapping[Path, bytes], figures: Counter[str]) -> Iterator[str]:
    for number in range(FILES):
        path = secret_path(root, number)
        if path not in texts:
            yield f"{path.relative_to(root)} is gone"
            continue
        try:
            plain = _opened(path, texts[path])
        except FluxsecretsError as error:
            yield f"{path.relative_to(root)} cannot be read: {error}"
            continue
        figures["values compared"] += 1
        if value(number).encode() not in plain:
            yield f"the value of {path.relative_to(root)} is lost"


def _opened(path: Path, data: bytes) -> bytes:
    if detect_encryption(data, path.name) is not None:
        return decrypt(data)
    if b"kind: SealedSecret" in data:
        keys = [word for name in ("sealing", "sealing-new") for word in ("--private-key", f"{name}.key")]
        code, printed, said = run(("unseal", *keys, str(path)))
        if code:
            raise FluxsecretsError(said)
        return _base64_too(printed.encode())
    return data


def _base64_too(text: bytes) -> bytes:
    from base64 import b64decode

    found = [text]
    for word in text.split():
        try:
            found.append(b64decode(word, validate=True))
        except ValueError:
            continue
    return b"\n".join(found)


def _plain_text(world: Path, root: Path, command: Command) -> Iterator[str]:
    """Values in plain text anywhere but in files of the tree that are plain before or after the command."""
    own = {secret_path(root, number) for number in range(FILES)} if command.plain else set()
    for path in world.rglob("*"):
        if path in own or not path.is_file() or ".git/objects" in path.as_posix():
            continue
        data = path.read_bytes()
        if any(value(number).encode() in data for number in range(FILES)):
            yield f"plain text in {path.relative_to(world)}"


def _unreadable_in_example(root: Path) -> Iterator[str]:
    found = json.loads(run(("status", "--format", "json"))[1])
    for each in found["files"]:
        if each["state"] == "failed" or (each["state"] == "encrypted" and not each["openable"]):
            yield f"{each['path']} cannot be read: {each['error'] or each['reason']}"
