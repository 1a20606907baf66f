"""People who left, and whose removal is not finished."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import unfinished_removals
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.repo.offboarding import Unfinished
from fluxsecrets.shell import command_for
from fluxsecrets.sops.recipients import recipient_text

INFO = describe(
    "removal-unfinished",
    Severity.HIGH,
    "the removal of someone who left is not finished",
    why="The person who removed them could not open these files. Until someone who can does the rest, the "
    "leaver can read what is written there.",
    fix="someone who can open the files runs `fluxsecrets recipients remove WHO`, and commits the result",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each record in `offboarding/` whose leaver opens files, may know their data keys, or is named.

    Merging an old branch brings a removed recipient back into the rules.
    """
    for each in unfinished_removals(facts):
        paths = (*each.files, *each.unsettled)
        command = command_for("recipients remove", (each.leaver.name,))
        if each.leaver.environments:  # they may be named in others
            command = command_for("rotate", paths)
        yield found(
            INFO,
            each.leaver.path,
            None,
            _message(each),
            recipient_text(each.leaver.recipient),
            hint=f"someone who can open these files runs `{command}`, and commits the result",
            related=[Location(path) for path in paths[:5]],
        )
    for leaver, places in facts.returned:
        path, line = places[0]
        command = command_for("recipients remove", (leaver.name,))
        yield found(
            INFO,
            path,
            line,
            f"{leaver.path} says that {leaver.name} left on {leaver.since}, but this names them",
            recipient_text(leaver.recipient),
            hint=f"remove them with `{command}`; if they are back, delete {leaver.path}",
            related=[Location(leaver.path), *(Location(*place) for place in places[1:4])],
        )
    for error in facts.broken_records:
        message = f"it is unknown what is left to do: the file {error.message}"
        yield found(INFO, error.path or "", error.line, message, hint=error.hint)


def _message(each: Unfinished) -> str:
    name = each.leaver.name
    parts = []
    if each.files:
        parts.append(f"still opens {_files(each.files)}")
    if each.unsettled:
        parts.append(f"may know the data key of {_files(each.unsettled)}")
    count = len(each.files) + len(each.unsettled)
    them = "it" if count == 1 else "them"
    who = "; ".join(
        f"{can} can open {them if len(paths) == count else _files(paths)}" for can, paths in each.who.items()
    )
    return f"{name} {each.leaver.left}, but {' and '.join(parts)}; {who}"


def _files(paths: tuple[str, ...]) -> str:
    return paths[0] if len(paths) == 1 else f"{len(paths)} files"


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
