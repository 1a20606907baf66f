"""Files for a key of another account than the other files of their environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.model import Secret
from fluxsecrets.audit.rule import AuditRule, Group, describe
from fluxsecrets.audit.servicekeys import Flaw, by_environment, findings, keys_of, owner_of, usual
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.sops.metadata import Metadata

INFO = describe(
    "key-of-other-account",
    Severity.MEDIUM,
    "a key is in another account than the environment's other keys",
    why="Who administers that account decides who can decrypt the file. If it is the account of another "
    "environment, as it happens with a copied rule, those who have access there can read this "
    "environment's secrets, which is a high risk.",
    fix="put the key of the environment's own account into the rule, then run `fluxsecrets recipients "
    "sync FILE`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each key whose AWS account or Google project is not that of most files of the environment."""
    yield from findings(INFO, _flaws(facts))


def _flaws(facts: Facts) -> Iterator[Flaw]:
    judged = {name: files for name, files in by_environment(facts).items() if any(_owners(files))}
    if not judged:
        return  # the other environments are not read
    owners = {name: usual(_owners(files)) for name, files in by_environment(facts.whole).items()}
    for name, files in judged.items():
        for secret, metadata in files if owners.get(name) is not None else ():
            others = {owner_of(one) for one in keys_of(metadata)} - {owners[name]}
            for owner in sorted(filter(None, others)):
                whose = sorted(each for each, usual_owner in owners.items() if usual_owner == owner)
                if set(whose) & set(secret.environments):
                    continue  # the file is that environment's as well
                also = f", the one of {' and '.join(whose)}" if whose else ""
                message = f"a key is in {owner}{also}; the keys of {name} are in {owners[name]}"
                yield Flaw(secret.path, message, Severity.HIGH if whose else None)


def _owners(files: Iterable[tuple[Secret, Metadata]]) -> Iterator[str]:
    for _, metadata in files:
        yield from {owner for one in keys_of(metadata) if (owner := owner_of(one)) is not None}


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
