"""Secrets in plain text that a change brings."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Finding, Severity
from fluxsecrets.ops.compare.model import FileState
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.sops.document import show_path

from .kind import Kind, counted, describe, item

INFO = describe(
    "plain-text",
    Severity.CRITICAL,
    "a secret is in plain text",
    why="Everybody who can read the repository knows it, and history keeps it after a later commit removes "
    "it.",
    fix="change the value where it is used, then run `fluxsecrets encrypt FILE`",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Take what `scan` finds in each commit, and files that are not encrypted any more."""
    found = change.scanned
    paths = set()
    decrypted = {one.path for one in change.compared if one.diff.state is FileState.DECRYPTED}
    for each in found.findings if found is not None else ():
        place = each.location
        paths.add(place.path)
        commit = (
            f" in commit {place.commit[:10]}"
            if place.commit and place.path not in change.after.tree.files
            else ""
        )
        was = ("the file was encrypted before this change",) if place.path in decrypted else ()
        yield item(
            INFO,
            place.path,
            f"{each.message}{commit}",
            each.fingerprint,
            environments=change.environments(place.path),
            line=place.line,
            details=(f"rule {each.rule}", *was, *_elsewhere(each)),
            hint=each.hint,
            severity=each.severity,
        )
    for compared in change.compared:
        values = [
            value for value in compared.diff.values if value.encrypted_before and not value.encrypted_after
        ]
        values = [value for value in values if value.after is not None]
        if values and compared.path not in paths:
            yield item(
                INFO,
                compared.path,
                f"{counted(len(values), 'value')} not encrypted any more"
                + (": the file is plain text now" if compared.path in decrypted else ""),
                "decrypted",
                environments=change.environments_of(compared.change),
                line=values[0].line,
                details=[show_path(value.path) for value in values],
            )


def _elsewhere(finding: Finding) -> Iterator[str]:
    """Where else the value is: `scan` reports a value of commits once."""
    for place in finding.related:
        yield f"also in {place.path}" + (f":{place.line}" if place.line else "")


KIND = Kind(INFO, check)
