"""Identities as rows and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from fluxsecrets.ops.files.rekey import ELSEWHERE
from fluxsecrets.ops.people.keyremoval import KeyRemoval
from fluxsecrets.ops.people.keystore import NewKey
from fluxsecrets.ops.people.newkeys import KeyFile
from fluxsecrets.ops.people.ownkeys import KeyList
from fluxsecrets.report.base import here
from fluxsecrets.report.json import error_data, page, term
from fluxsecrets.report.page import Errors, Lines, Note, Page, Table, Warn
from fluxsecrets.report.text import Cell, Row, counted, printable
from fluxsecrets.shell import command_for
from fluxsecrets.sops.naming import short_recipient

if TYPE_CHECKING:
    from .wire import people as wire


def key_rows(found: KeyList) -> list[Row]:
    """A row an identity: name, public key, where it is, and what it opens."""
    rows: list[Row] = []
    for key in found.keys:
        recipient = short_recipient(key.public) if key.public is not None else "(a plugin's)"
        opens = _usage(key.files)
        rows.append(
            (
                Cell(printable(key.name or "-")),
                Cell(recipient),
                Cell(printable(", ".join(key.places) + (", behind a passphrase" if key.locked else ""))),
                Cell(printable(opens or "no file here"), "" if opens else "yellow"),
            )
        )
    return rows


def _usage(files: Mapping[str, int]) -> str:
    """Such as `production 4 files, staging 3 files`."""
    return ", ".join(
        f"{name if name != ELSEWHERE else 'elsewhere'} {count} {'file' if count == 1 else 'files'}"
        for name, count in files.items()
    )


def keys_page(found: KeyList) -> Page:
    """Which identities there are, and what is wrong with them."""
    yield Table(key_rows(found))
    for warning in found.warnings:
        yield Warn(f"warning: {warning}")
    yield Errors(found.errors)
    count = f"{len(found.keys)} {'identity' if len(found.keys) == 1 else 'identities'}"
    yield Note(f"{count}; looked in: {', '.join(found.places)}")


def keys_json(found: KeyList) -> Page:
    """Identities as data."""
    base = here()
    keys: list[wire.Identity] = [
        {
            "name": key.name,
            "recipient": key.recipient or None,
            "kind": term(key.kind),
            "places": list(key.places),
            "locked": key.locked,
            "environments": {name: count for name, count in key.files.items() if name},
            "other_files": key.files.get(ELSEWHERE, 0),
        }
        for key in found.keys
    ]
    data: wire.IdentityList = {
        "keys": keys,
        "places": list(found.places),
        "warnings": list(found.warnings),
        "errors": [error_data(error, base) for error in found.errors],
    }
    return page("keys list", data, base)


FORMATS: Mapping[str, Callable[[KeyList], Page]] = {"text": keys_page, "json": keys_json}


def new_key_page(made: NewKey) -> Page:
    """An identity that was just made."""
    yield Lines([made.recipient])
    yield Note(
        f"the private key was added to {made.place}: back it up, anyone who has it can read your secrets"
    )
    yield from _public_half(made)
    add = command_for("recipients add", (made.name or "KEY",))
    yield Note(f"to encrypt for it: `{printable(add)} --env NAME`, or --all; it changes rules and files")


def _new_keys_json(command: str, keys: Sequence[NewKey]) -> Page:
    base = here()
    data: wire.KeptIdentities = {
        "keys": [
            {
                "name": made.name,
                "recipient": made.recipient,
                "place": made.place,
                "added": made.added,
                "public_file": None if made.public_file is None else base.path(made.public_file),
                "warnings": list(made.warnings),
            }
            for made in keys
        ]
    }
    return page(command, data, base)


def imported_page(keys: Sequence[NewKey], file: KeyFile) -> Page:
    """Identities that were just imported."""
    for made in keys:
        yield Lines([made.recipient])
        yield Note(
            f"the private key was added to {made.place}" if made.added else f"it was in {made.place} already"
        )
        yield from _public_half(made)
    if file.path is not None:
        yield Note(f"{file.shown} still holds it: keep that file where nobody else can read it, or delete it")


def _public_half(made: NewKey) -> Page:
    for warning in made.warnings:
        yield Warn(f"warning: {warning}")
    if made.public_file is not None:
        yield Note(f"the public key is in {made.public_file}")


NEW_FORMATS: Mapping[str, Callable[[NewKey], Page]] = {
    "text": new_key_page,
    "json": lambda made: _new_keys_json("keys generate", [made]),
}
IMPORT_FORMATS: Mapping[str, Callable[[Sequence[NewKey], KeyFile], Page]] = {
    "text": imported_page,
    "json": lambda keys, _file: _new_keys_json("keys import", keys),
}


def removed_page(plan: KeyRemoval, whose: str) -> Page:
    """An identity that was removed."""
    yield Note(f"removed {whose} from {' and '.join(plan.places)}; backups may still hold it")
    for sentence in plan.stays:
        yield Warn(f"warning: {sentence}")


def _removed_json(plan: KeyRemoval, _whose: str) -> Page:
    base = here()
    data: wire.RemovedIdentity = {
        "name": plan.name,
        "recipient": plan.recipient,
        "places": list(plan.places),
        "stays": list(plan.stays),
        "lost": base.paths(plan.lost),
        "unreadable": plan.unreadable,
    }
    return page("keys remove", data, base)


REMOVED_FORMATS: Mapping[str, Callable[[KeyRemoval, str], Page]] = {
    "text": removed_page,
    "json": _removed_json,
}


def removal_page(plan: KeyRemoval, whose: str) -> Page:
    """An identity that is about to be removed: where it is, and who could open what without it."""
    lines = [f"{whose} ({short_key(plan.recipient)})"]
    lines += [f"  is in {place}" for place in plan.places]
    if plan.unreadable:
        files = counted(plan.unreadable, "file")
        lines.append(f"  you could no longer open {files} of this repository; others still could")
    if plan.lost:
        lines.append("  nobody could open these files of this repository then:")
        lines += [f"    {path}" for path in plan.lost]
    for line in lines:
        yield Note(printable(line))


def short_key(recipient: str) -> str:
    """A public key, shortened where it is a post-quantum one."""
    return recipient if len(recipient) < _LONG_KEY else f"{recipient[:12]}…"


_LONG_KEY = 100
