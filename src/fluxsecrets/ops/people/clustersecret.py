"""The Secret that Flux's `spec.decryption.secretRef` names, with the identity of an environment's cluster.

What Flux does with it is in kustomize-controller: internal/decryptor/decryptor.go, ImportKeys. A data key
is recognized by its suffix alone. The first entry that it cannot read stops it from decrypting anything.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsecrets.errors import FluxsecretsError, IdentityError, UnprotectedError, UsageError
from fluxsecrets.flux.keynames import AGE_SUFFIX, PGP_SUFFIX
from fluxsecrets.flux.since import POST_QUANTUM
from fluxsecrets.ops.files.content import OpenedFile
from fluxsecrets.ops.files.rekey import KeyUsage, read_usage
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.people import People, find_person, read_people
from fluxsecrets.ops.run.record import note_key
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.clusterkeys import cluster_keys
from fluxsecrets.repo.environments import Environment, find_environment
from fluxsecrets.repo.flux import SYSTEM, FluxKustomization
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.repo.settings import Settings, load_settings
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.sops.document import Entry, Leaf, Style, show_path
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.formats.changing import set_value
from fluxsecrets.sops.formats.yaml.scalars import scalar_text
from fluxsecrets.sops.naming import short_recipient
from fluxsecrets.sops.recipients import Recipient

from .keystore import age_provider

if TYPE_CHECKING:
    from fluxsecrets.keys.keyfile import AgeIdentity

_PROVIDER = "sops"
_DATA_KEY = re.compile(r"[A-Za-z0-9._-]{1,200}")


@dataclass(frozen=True, slots=True)
class SecretName:
    """A Secret that Kustomizations name."""

    name: str
    namespace: str


@dataclass(frozen=True, slots=True)
class ClusterSecret:
    """The manifests, with the private key in them.

    Attributes:
        recipient: whose identity it is.
        data: YAML; one document for each Secret.
        warnings: where Flux would ignore it, one sentence each.
    """

    recipient: str
    secrets: tuple[SecretName, ...]
    data: bytes = field(repr=False)
    warnings: tuple[str, ...] = ()


def cluster_secret(session: Session, environment: str, identity: str | None = None) -> ClusterSecret:
    """The Secret with a cluster's identity, as Flux looks for it.

    `identity` is a public key, a name or a PGP fingerprint; None takes the cluster's own, by the settings
    or by its name.

    Raises:
        ConfigError: there is no such environment, or its Kustomizations name no Secret.
        UsageError: the cluster's identity is unknown.
        IdentityError: you do not have it, or Flux could not use it.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    settings = load_settings(tree)
    found = find_environment(tree, environment, settings)
    names, warnings = secret_names(found)
    usage = read_usage(session)
    people = read_people(session, tree)
    public = people.names
    if identity is not None and _is_fingerprint(identity):
        recipient = Recipient("pgp", identity.replace(" ", "").upper())
        data_key, text, more = _pgp(session, recipient)
    else:
        wanted = find_person(people, identity).id if identity else _of_cluster(found, settings, usage, people)
        recipient = Recipient("age", wanted)
        data_key, text, more = _age(session, wanted, public)
    note_key(recipient)
    if usage.files and not any(
        file.is_for(recipient) for file in usage.files if file.path in usage.environments[found.name]
    ):
        warnings = (*warnings, f"no file of {found.name} is encrypted for {short_recipient(recipient)}")
    documents = [_manifest(name, data_key, text) for name in names]
    return ClusterSecret(recipient.id, names, "---\n".join(documents).encode(), (*warnings, *more))


def secret_names(environment: Environment) -> tuple[tuple[SecretName, ...], tuple[str, ...]]:
    """The Secrets that an environment's Kustomizations decrypt with, and what is odd about that.

    Raises:
        UsageError: they name none.
    """
    names: dict[SecretName, None] = {}
    warnings: list[str] = []
    without: list[FluxKustomization] = []
    for item in environment.graph.kustomizations:
        if item.decryption is None:
            continue
        if item.decryption.provider != _PROVIDER:
            warnings.append(
                f"{item.file}:{item.line}: Flux decrypts nothing for {item.name}: "
                f"its decryption provider is not {_PROVIDER}"
            )
        elif item.decryption.secret is None:
            without.append(item)
        else:
            names[SecretName(item.decryption.secret, item.namespace or SYSTEM)] = None
    if not names:
        raise UsageError(
            f"no Kustomization of {environment.name} names a Secret to decrypt with",
            hint="add `decryption: {provider: sops, secretRef: {name: sops-age}}` to the spec of those that "
            "apply encrypted files",
        )
    warnings += [
        f"{item.file}:{item.line}: {item.name} decrypts without a secretRef, "
        "so Flux does not use this Secret for it"
        for item in without
    ]
    return tuple(names), tuple(warnings)


def _of_cluster(environment: Environment, settings: Settings, usage: KeyUsage, people: People) -> str:
    """The cluster's own recipient; never a guess among several, and never a person's."""
    readers = [each for each in usage.recipients(environment.name).values() if each.kind == "age"]
    found = cluster_keys(environment.name, settings, readers, people.names)
    if len(found) == 1:
        return found[0].id
    candidates = [people.name(each) for each in readers]
    raise UsageError(
        f"the identity of {environment.name}'s cluster is unknown",
        details=[f"its files are encrypted for: {', '.join(sorted(candidates))}"] if candidates else (),
        hint="name it with --identity, or permanently as cluster_recipients in .fluxsecrets.yaml",
    )


def _age(session: Session, recipient: str, public: Mapping[str, str]) -> tuple[str, str, tuple[str, ...]]:
    identity = age_provider(session).identity_of(recipient)
    if identity.kind in ("ssh", "plugin"):
        kind = "an SSH key" if identity.kind == "ssh" else "an identity of a plugin"
        raise IdentityError(
            f"Flux cannot use {kind}, and would then decrypt nothing at all",
            hint="make an identity for the cluster with `fluxsecrets keys generate`",
        )
    from fluxsecrets.keys.generate import identity_text

    warnings: tuple[str, ...] = ()
    if identity.kind == "post-quantum":
        warnings = (
            f"it is a post-quantum identity: the cluster needs Flux {POST_QUANTUM.shown} or newer, "
            "an older one decrypts nothing at all with it",
        )
    name = public.get(recipient, "identity")
    return f"{name}{AGE_SUFFIX}", identity_text(identity), warnings


def _is_fingerprint(text: str) -> bool:
    return re.fullmatch(r"(?:0x)?[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}", text.replace(" ", "")) is not None


def _pgp(session: Session, recipient: Recipient) -> tuple[str, str, tuple[str, ...]]:
    from fluxsecrets.keys.gpg import export_secret_key

    text, locked = export_secret_key(session.environ, recipient.id)
    if locked:
        raise IdentityError(
            "this PGP key has a passphrase, which Flux cannot be told",
            hint="make a key without one for the cluster, or an age identity: `fluxsecrets keys generate`",
        )
    return f"{recipient.id[-16:].lower()}{PGP_SUFFIX}", text, ()


def _manifest(secret: SecretName, data_key: str, text: str) -> str:
    assert _DATA_KEY.fullmatch(data_key)  # noqa: S101 - made of a key's name, which has no other letters
    lines = "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())
    return (
        "apiVersion: v1\n"
        "kind: Secret\n"
        "metadata:\n"
        f"  name: {_quoted(secret.name)}\n"
        f"  namespace: {_quoted(secret.namespace)}\n"
        "stringData:\n"
        f"  {_quoted(data_key)}: |\n"
        f"{lines}"
    )


def _quoted(text: str) -> str:
    """As a YAML scalar; names come from manifests, which may hold anything."""
    return scalar_text(text, Style.PLAIN, flow=False)


# The Secret where the repository keeps it, when the identity is replaced.


@dataclass(frozen=True, slots=True)
class Exchange:
    """A cluster's identity that is replaced.

    Attributes:
        old, new: the public keys.
        private: the new identity; None where it is not at hand.
        remove: remove the old identity; otherwise add the new one beside it.
    """

    old: str
    new: str
    private: AgeIdentity | None = field(repr=False)
    remove: bool


def identity_files(tree: Tree, environment: Environment, targets: Sequence[Target]) -> frozenset[Path]:
    """The files of a repository that hold the identity of an environment's cluster."""
    try:
        names, _ = secret_names(environment)
    except UsageError:
        return frozenset()
    return frozenset(target.path for target in targets if _is_identity_secret(tree, target, names))


def _is_identity_secret(tree: Tree, target: Target, names: Sequence[SecretName]) -> bool:
    path = target.repository_path
    if path is None or make_format(target.format).levels:
        return False
    try:
        data = tree.read(path)
        if not any(name.name.encode() in data for name in names):
            return False
        manifests = read_manifests(data, path, tree.limits).manifests
    except FluxsecretsError:
        return False
    return any(
        item.is_secret and item.name == name.name and item.namespace in (None, name.namespace)
        for item in manifests
        for name in names
    )


def exchange_identity(
    session: Session, opened: OpenedFile, exchange: Exchange
) -> tuple[bytes | None, tuple[str, ...]]:
    """The Secret's text with the new identity added, or the old one removed; and the keys that changed.

    Raises:
        UnprotectedError: the old identity would be removed, but the new one is missing.
    """
    from fluxsecrets.keys.generate import with_identity, without_identity
    from fluxsecrets.keys.keyfile import parse_keys

    text: bytes | None = None
    keys: list[str] = []
    for index, path, value in _identity_values(opened):
        try:
            found = parse_keys(value, origin="the Secret", path="the Secret").identities
        except FluxsecretsError:
            continue
        recipients = {identity.recipient for identity in found}
        if exchange.old not in recipients:
            continue
        if exchange.remove and exchange.new not in recipients:
            raise UnprotectedError(
                f"{show_path(path)} holds the old identity and not the new one",
                hint="add the new one first; otherwise the cluster could no longer decrypt anything",
            )
        if not exchange.remove and (exchange.new in recipients or exchange.private is None):
            continue
        if exchange.remove:
            changed = without_identity(value, exchange.old)
        elif exchange.private is not None:
            changed = with_identity(value, exchange.private)
        else:
            continue
        document = opened.format.parse(text if text is not None else opened.text(), session.limits)
        data = base64.b64encode(changed).decode() if path[0] == "data" else changed.decode()
        text = set_value(opened.format, document, path, data, session.limits, part=index)
        keys.append(show_path(path))
    return text, tuple(keys)


def _identity_values(opened: OpenedFile) -> Iterator[tuple[int, tuple[str, str], bytes]]:
    """The values of a Secret that Flux takes for age identities."""
    for index, part in enumerate(opened.parts):
        for name in ("data", "stringData"):
            node = part.get(name)
            for entry in node.entries if isinstance(node, MapNode) else ():
                if not isinstance(entry, Entry) or not entry.key.endswith(AGE_SUFFIX):
                    continue
                if isinstance(entry.value, Leaf) and isinstance(entry.value.value, str):
                    text = entry.value.value
                    try:
                        value = base64.b64decode(text) if name == "data" else text.encode()
                    except ValueError:
                        continue
                    yield index, (name, entry.key), value
