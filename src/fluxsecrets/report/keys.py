"""Identities as rows and as JSON."""

from __future__ import annotations

from collections.abc import Mapping

from fluxsecrets.ops.files.keyusage import ELSEWHERE
from fluxsecrets.ops.people.keys import KeyList
from fluxsecrets.report.json import VERSION, dump, error_data
from fluxsecrets.report.text import Cell, Row, printable
from fluxsecrets.sops.envelope import short_recipient
from fluxsecrets.sops.recipients import Recipient


def key_rows(found: KeyList) -> list[Row]:
    """A row an identity: name, public key, where it is, and what it opens."""
    rows: list[Row] = []
    for key in found.keys:
        kind = "pgp" if key.kind == "pgp" else "age"
        recipient = short_recipient(Recipient(kind, key.recipient)) if key.recipient else "(a plugin's)"
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


def keys_json(found: KeyList) -> str:
    """Identities as data; docs/schema/results.schema.json describes it."""
    return dump(
        {
            "version": VERSION,
            "command": "keys list",
            "keys": [
                {
                    "name": key.name,
                    "recipient": key.recipient or None,
                    "kind": key.kind,
                    "places": list(key.places),
                    "locked": key.locked,
                    "environments": {name: count for name, count in key.files.items() if name},
                    "other_files": key.files.get("", 0),
                }
                for key in found.keys
            ],
            "places": list(found.places),
            "warnings": list(found.warnings),
            "errors": [error_data(error) for error in found.errors],
        }
    )
