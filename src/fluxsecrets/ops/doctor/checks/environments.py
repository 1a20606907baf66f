"""Which environments the user can open, and whether their clusters can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok, problem, unknown
from fluxsecrets.ops.files.rekey import FileKeys
from fluxsecrets.repo.clusterkeys import cluster_keys
from fluxsecrets.repo.settings import load_settings
from fluxsecrets.shell import command_for
from fluxsecrets.sops.naming import short_recipient
from fluxsecrets.sops.recipients import recipient_key

INFO = CheckInfo("environments", "environments")

_FEW = 4
"""Holders of keys that a message names."""


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Find out how many encrypted files of each environment the identities open, and its cluster's key."""
    if facts.is_bare or facts.repository is None:
        return
    usage = facts.usage
    opened = {file.path for file in usage.files if facts.session.opens(file.groups, file.needed)}
    for name, paths in usage.environments.items():
        own = [file for file in usage.files if file.path in paths]
        if not own:
            if paths.isdisjoint(facts.plain):  # plain files are the problem of another check
                yield ok(f"{name}: no secrets")
            continue
        yield _opens(facts, name, own, sum(file.path in opened for file in own))
        yield from _cluster(facts, name, own)
    if usage.files and not opened and facts.keys.keys and not facts.keys.untold and facts.environment is None:
        yield problem(
            "none of your identities opens a file here",
            command="fluxsecrets keys list",
            hint="give your public key to somebody who can run `fluxsecrets recipients add RECIPIENT --all`",
        )
    for error in usage.errors[:1]:
        more = f" (and {len(usage.errors) - 1} more files)" if len(usage.errors) > 1 else ""
        yield unknown(f"{error}{more}", hint=error.hint or "")


def _opens(facts: Facts, name: str, own: Sequence[FileKeys], count: int) -> Diagnosis:
    files = f"encrypted file{'s' * (len(own) > 1)}"
    if count:
        return ok(f"{name}: you can open {count} of {len(own)} {files}")
    message = f"{name}: you can open none of {len(own)} {files}; {_holders(facts, own)} can"
    if facts.environment is None and facts.keys.untold:
        return unknown(f"{name}: whether you can open {len(own)} {files}; {_holders(facts, own)} can")
    if facts.environment is None:
        return ok(message)
    return problem(
        message,
        command="fluxsecrets keys list",
        hint="give your public key to one of them, for "
        f"`{command_for('recipients add', ('RECIPIENT',), name)}`",
    )


def _holders(facts: Facts, own: Sequence[FileKeys]) -> str:
    met = {recipient_key(each): each for file in own for group in file.groups for each in group}
    names = [facts.names.get(each.id) or short_recipient(each) for each in met.values()]
    more = f" and {len(names) - _FEW + 1} others" if len(names) > _FEW else ""
    return ", ".join(names[: _FEW - 1] if more else names) + more


def _cluster(facts: Facts, name: str, own: Sequence[FileKeys]) -> Iterator[Diagnosis]:
    """Whether the cluster's key is known, and opens what Flux applies there."""
    if facts.tree is None:
        return
    readers = {recipient_key(each): each for file in own for group in file.groups for each in group}
    known = cluster_keys(name, load_settings(facts.tree), readers.values(), facts.names)
    if not known:
        yield unknown(
            f"{name}: nothing says which key its cluster has",
            hint=f"name its public key under environments.{name}.cluster_recipients in .fluxsecrets.yaml",
        )
        return
    shut = [file for file in own if not any(file.is_for(key) for key in known)]
    if shut:
        keys = ", ".join(facts.names.get(each.id) or short_recipient(each) for each in known)
        more = f" and {len(shut) - 1} more" if len(shut) > 1 else ""
        yield problem(
            f"{name}: {shut[0].shown}{more} can't be opened by its cluster, which has the key of {keys}",
            command=command_for("recipients add", (known[0].id,), name),
            hint=f"if Flux does not apply it there, see `{command_for('verify', (), name)}`",
        )


CHECK = Check(INFO, check)
