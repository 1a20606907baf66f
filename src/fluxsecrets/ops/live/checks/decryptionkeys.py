"""Whether the Secret of `decryption.secretRef` holds a key for every file of its Kustomization."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fluxsecrets.audit.treatment import treated
from fluxsecrets.cluster.controllers import global_secrets
from fluxsecrets.cluster.kinds import DEPLOYMENT
from fluxsecrets.cluster.model import ClusterKeys, Gap, LiveSecret, Name
from fluxsecrets.flux.keygroups import needs_private_key, opens
from fluxsecrets.flux.keynames import AGE_SUFFIX
from fluxsecrets.ops.live.commands import kubectl
from fluxsecrets.ops.live.model import Check, CheckInfo, LiveFinding, Subject
from fluxsecrets.ops.live.situation import Situation
from fluxsecrets.repo.flux import FluxKustomization
from fluxsecrets.shell import command_for
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.naming import name_of

INFO: Final = CheckInfo("decryption-keys", "keys to decrypt with")

_MOST = 10
"""Files that one finding lists."""


def check(situation: Situation) -> Iterator[LiveFinding]:
    """Find what Flux can't decrypt with the keys that the cluster has."""
    judged: set[Name] = set()
    for verdict, item, key in situation.kustomizations:
        if item.decryption is None:
            continue
        files = _files(situation, verdict.applied)
        name = _secret_of(situation, item, key)
        if isinstance(name, LiveFinding):
            if any(map(needs_private_key, files.values())):
                yield name
            continue
        secret = situation.cluster.secrets.get(*name)
        if isinstance(secret, LiveSecret):
            if name not in judged:
                judged.add(name)
                yield from _judge_secret(situation, secret.keys, name)
            yield from _judge_files(situation, item, key, secret.keys, name, files)
        elif name not in judged:
            judged.add(name)
            yield _missing(situation, name, secret, item)


def _secret_of(situation: Situation, item: FluxKustomization, key: Name) -> Name | LiveFinding:
    """The Secret that Flux takes keys from, or the finding that it has none."""
    if item.decryption is not None and item.decryption.secret is not None:
        return key[0], item.decryption.secret
    deployments = situation.cluster.listing(DEPLOYMENT)
    found = global_secrets(deployments.objects)
    if found:
        return found[0]
    subject = Subject("Kustomization", *key)
    if deployments.gap is not None:
        return INFO.gap(deployments.gap, subject)
    return INFO.wrong(
        subject,
        "it decrypts for age or PGP keys, names no Secret, and the controller has no key of its own",
        hint="name the Secret with the cluster's key under `decryption.secretRef`",
        at=item,
    )


def _missing(situation: Situation, name: Name, gap: Gap | None, item: FluxKustomization) -> LiveFinding:
    subject = Subject("Secret", *name)
    apply = kubectl(situation.cluster.origin, "apply", "--server-side", "-f", "-")
    if gap is not None:
        return INFO.gap(gap, subject)
    return INFO.wrong(
        subject,
        f"the cluster does not have it, and Kustomization {item.name} decrypts with it",
        hint=f"`{_secret_command(situation)} | {apply}` creates it",
        at=item,
    )


def _judge_secret(situation: Situation, keys: ClusterKeys, name: Name) -> Iterator[LiveFinding]:
    subject = Subject("Secret", *name)
    for data_key, reason in keys.unusable.items():
        yield INFO.wrong(
            subject,
            f"Flux can't import its data key {data_key!a}, and decrypts nothing: {reason}",
            hint="take it out, or replace it by an age identity",
        )
    for data_key, reason in keys.unread.items():
        yield INFO.unknown(subject, f"the data key {data_key!a} can't be read: {reason}")
    if _is_useless(keys):
        shown = ", ".join(map(ascii, keys.ignored[:_MOST]))
        yield INFO.wrong(
            subject,
            f"Flux passes over all of its data keys: {shown}",
            hint=f"the name of a data key with age identities ends in {AGE_SUFFIX}",
        )


def _judge_files(
    situation: Situation,
    item: FluxKustomization,
    key: Name,
    keys: ClusterKeys,
    name: Name,
    files: dict[str, Metadata],
) -> Iterator[LiveFinding]:
    """The files that the keys don't open. A Secret that gives Flux no key at all was reported once."""
    if keys.unusable or _is_useless(keys):
        return
    own, subject = keys.opened, Subject("Kustomization", *key)
    answers = {path: opens(metadata, own, more=bool(keys.unread)) for path, metadata in files.items()}
    closed = [path for path, answer in answers.items() if answer is False]
    doubtful = [path for path, answer in answers.items() if answer is None]
    if closed:
        yield INFO.wrong(
            subject,
            f"Secret {name[1]} has no key for {len(closed)} of its {len(files)} encrypted files: "
            f"it holds {_held(situation, keys)}",
            hint=f"`{_sync(situation)}` encrypts them for the recipients of their rules; "
            f"`{_secret_command(situation)}` prints the Secret with the cluster's key",
            details=tuple(_detail(situation, path, files[path]) for path in closed[:_MOST]),
            at=item,
        )
    if doubtful and not keys.unread:
        yield INFO.unknown(
            subject,
            f"{len(doubtful)} of its files need a key of a service, which may or may not serve this cluster",
            details=tuple(_detail(situation, path, files[path]) for path in doubtful[:_MOST]),
            at=item,
        )


def _files(situation: Situation, applied: object) -> dict[str, Metadata]:
    """The encrypted files that Flux decrypts for a Kustomization."""
    return {
        each.path: each.secret.metadata
        for each in treated(situation.facts, situation.environment)
        if each.applied is applied
        and each.treatment.format is not None
        and each.secret is not None
        and each.secret.metadata is not None
    }


def _is_useless(keys: ClusterKeys) -> bool:
    """Whether no data key has a name that Flux knows."""
    return bool(keys.ignored) and not (keys.recipients or keys.unusable or keys.unread or keys.services)


def _held(situation: Situation, keys: ClusterKeys) -> str:
    names = [name_of(one, situation.facts.names) for found in keys.recipients.values() for one in found]
    return f"the key of {', '.join(names)}" if names else "no private key"


def _sync(situation: Situation) -> str:
    return command_for("recipients sync", environment=situation.environment.name)


def _secret_command(situation: Situation) -> str:
    return command_for("keys cluster-secret", environment=situation.environment.name)


def _detail(situation: Situation, path: str, metadata: Metadata) -> str:
    names = dict.fromkeys(
        name_of(one, situation.facts.names) for group in metadata.recipients for one in group
    )
    return f"{path}: for {', '.join(names)}"


CHECK: Final = Check(INFO, check)
