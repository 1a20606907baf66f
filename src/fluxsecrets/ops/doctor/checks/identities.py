"""Which identities the user has, and what they open."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok, problem, unknown
from fluxsecrets.ops.files.rekey import ELSEWHERE
from fluxsecrets.ops.people.ownkeys import OwnKey
from fluxsecrets.sops.naming import short_recipient

INFO = CheckInfo("identities", "identities")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Name identities with the environments whose files they open, and keys of services with credentials.

    Services are not asked. What is wrong with key files is named, too.
    """
    for key in facts.keys.keys:
        yield ok(f"{_name(key)}: {_opens(key)}")
    for recipient in facts.service_keys:
        yield ok(f"{short_recipient(recipient)}: there are credentials for its service")
    for text in facts.keys.untold:
        yield unknown(
            f"{text}; which identities it has is not known before",
            hint="`fluxsecrets decrypt PATH` shows whether they open a file",
        )
    if not facts.keys.keys and not facts.service_keys and not facts.keys.untold:
        is_new = facts.tree is not None and not facts.rules and not facts.usage.files
        share = "then give it to somebody who can run `fluxsecrets recipients add RECIPIENT --all`"
        yield problem(
            "no identity was found, so that nothing can be decrypted",
            command="fluxsecrets init" if is_new else "fluxsecrets keys generate",
            hint="" if is_new else share,
        )
    exposed = {str(file) for file in facts.keys.exposed}  # the check of key files has a command for these
    for warning in facts.keys.warnings:
        if warning not in exposed:
            yield problem(warning)


def _name(key: OwnKey) -> str:
    public = short_recipient(key.public) if key.public is not None else "a plugin's identity"
    return f"{key.name} ({public})" if key.name else public


def _opens(key: OwnKey) -> str:
    names = ["files outside of environments" if name == ELSEWHERE else name for name in key.files]
    locked = ", behind a passphrase" if key.locked else ""
    return (f"opens {', '.join(names)}" if names else "opens no file here") + locked


CHECK = Check(INFO, check)
