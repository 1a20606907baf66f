"""Files that nothing applies: archives, examples, tests and templates.

What makes a file fail in Flux, or readable for too many, is not urgent in a folder that people keep for
later. A password in plain text is: it may still be valid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

from fluxsecrets.findings import Finding, Severity

from .facts import Facts
from .rule import AuditRule


class Place(Enum):
    """The kind of a folder with files that nothing applies."""

    ARCHIVE = "an archive"
    EXAMPLE = "a folder of examples, tests or templates"


_NAMES = {
    Place.ARCHIVE: re.compile(
        r"[._-]*(?:archived?|archives|attic|deprecated|disabled|obsolete|old|retired|trash|unused)"
        r"(?:[._-]*|[._-]\d+)",
        re.IGNORECASE,
    ),
    Place.EXAMPLE: re.compile(
        r"[._-]*(?:docs?|documentation|examples?|samples?|demos?|tests?|testdata|fixtures?|templates?)[._-]*",
        re.IGNORECASE,
    ),
}


def place_of(facts: Facts, path: str) -> Place | None:
    """What kind of unused folder a file is in.

    None if an environment has the file, no environment is known, or no folder's name says so.
    """
    folders = path.split("/")[:-1]
    for place, name in _NAMES.items():
        if any(name.fullmatch(folder) for folder in folders):
            return None if not facts.environments or _is_used(facts, path) else place
    return None


def weighed(facts: Facts, rule: AuditRule, finding: Finding) -> Finding:
    """A finding with the severity that it has where its file is.

    In a file that nothing applies, a finding of a rule for applied files is low. In examples, tests and
    templates a high one of another rule is medium: most values there are made up.
    """
    if finding.severity <= Severity.LOW:
        return finding
    place = place_of(facts, finding.location.path)
    if place is None or (place is Place.ARCHIVE and not rule.for_applied):
        return finding
    severity = Severity.LOW if rule.for_applied else Severity.MEDIUM
    if severity >= finding.severity:
        return finding
    return finding._replace(severity=severity, message=f"{finding.message}; it is in {place.value}")


def _is_used(facts: Facts, path: str) -> bool:
    return path in facts.once("used by environments", lambda: frozenset(_used(facts)))


def _used(facts: Facts) -> Iterator[str]:
    for environment in facts.environments:
        yield from environment.files
