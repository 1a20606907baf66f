"""Files whose keys are held by services, for the rules that judge such keys by what the files say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from fluxsecrets.findings import Finding, Location, RuleInfo, Severity
from fluxsecrets.sops.arns import key_arn
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import KINDS, Recipient

from .facts import Facts
from .model import Secret
from .rule import found

Item = TypeVar("Item", bound=Hashable)

_MENTIONED = 5
"""Further files that a finding names."""


class Flaw(NamedTuple):
    """What is wrong with a file's keys.

    Attributes:
        path: the file.
        message: what is wrong, without the file. Files with the same message are one finding.
        severity: None takes the rule's.
    """

    path: str
    message: str
    severity: Severity | None = None


def findings(info: RuleInfo, flaws: Iterable[Flaw]) -> Iterator[Finding]:
    """Give a finding per message, at its first file; the others are related places."""
    paths: dict[tuple[str, Severity | None], list[str]] = {}
    for flaw in flaws:
        known = paths.setdefault((flaw.message, flaw.severity), [])
        known += [flaw.path] if flaw.path not in known else []
    for (message, severity), files in paths.items():
        more = f", as in {len(files) - 1} more" if len(files) > 1 else ""
        related = [Location(path) for path in files[1 : _MENTIONED + 1]]
        yield found(info, files[0], None, message + more, message, severity=severity, related=related)


def keys_of(metadata: Metadata) -> tuple[Recipient, ...]:
    """Return the recipients of all key groups, in order."""
    return tuple(one for group in metadata.recipients for one in group)


def owner_of(recipient: Recipient) -> str | None:
    """Return who owns a key: an AWS account or a project of Google Cloud; None where its name doesn't say."""
    if (arn := key_arn(recipient)) is not None:
        return f"AWS account {ascii(arn.account)[1:-1][:24]}"
    if recipient.kind == "gcp_kms" and recipient.id.startswith("projects/"):
        return f"project {ascii(recipient.id.split('/')[1])[1:-1][:40]}"
    return None


def by_environment(facts: Facts) -> Mapping[str, list[tuple[Secret, Metadata]]]:
    """Return the encrypted files of each environment; a file that several share is in each.

    Empty if no file has a key that a service holds. Which environments a file is in is not asked then, since
    that reads all of them.
    """
    files: dict[str, list[tuple[Secret, Metadata]]] = {}
    encrypted = tuple(facts.encrypted())
    if all(KINDS[one.kind].local for _, metadata in encrypted for one in keys_of(metadata)):
        return files
    for secret, metadata in encrypted:
        for name in secret.environments:
            files.setdefault(name, []).append((secret, metadata))
    return files


def is_applied(facts: Facts, secret: Secret) -> bool:
    """Whether Flux applies a file in an environment, instead of it only being in the environment's folder."""
    return any(
        secret.path in each.graph.files or secret.path in each.generator_files for each in facts.environments
    )


def usual(items: Iterable[Item]) -> Item | None:
    """Return what more than half of several items are, or None."""
    counts = Counter(items)
    if not counts:
        return None
    item, count = counts.most_common(1)[0]
    return item if count > 1 and 2 * count > counts.total() else None
