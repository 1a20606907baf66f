"""`destination_rules` of `.sops.yaml`: where `publish` takes a file.

Taken from sops 3.13.2: config/config.go, publish/*.go. sops passes over what contradicts itself, such as a
prefix without a bucket or a version that KV doesn't have. Here it is an error as soon as the file is read: a
file in the wrong place is not taken back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlsplit

from .config import CreationRule, UnknownField, read_rule, unknown_fields
from .placed_yaml import FieldReader, Fields, Node, is_set
from .selectors import Regex

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|arn:[A-Za-z0-9:/_.-]+", re.ASCII)
_DEFAULT_MOUNT = "secret"


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket of Amazon S3; the prefix is put in front of names as it is."""

    bucket: str
    prefix: str = ""

    @property
    def shown(self) -> str:
        """What addresses there start with."""
        return f"s3://{self.bucket}/{self.prefix}"


@dataclass(frozen=True, slots=True)
class GcsPlace:
    """A bucket of Google Cloud Storage; the prefix is put in front of names as it is."""

    bucket: str
    prefix: str = ""

    @property
    def shown(self) -> str:
        """What addresses there start with."""
        return f"gs://{self.bucket}/{self.prefix}"


@dataclass(frozen=True, slots=True)
class VaultPlace:
    """A path in a KV mount of HashiCorp Vault or OpenBao.

    Attributes:
        address: of the server, or empty for the one that the environment names.
        path: below the mount, without slashes around it.
        version: of the KV engine, 1 or 2.
    """

    address: str
    mount: str
    path: str
    version: int = 2

    @property
    def shown(self) -> str:
        """The path and the server, for people."""
        return f"{self.mount}/{self.path} of Vault {self.address}".rstrip()


Place: TypeAlias = S3Place | GcsPlace | VaultPlace


@dataclass(frozen=True, slots=True)
class DestinationRule:
    """Where files go whose path matches.

    Attributes:
        index: position among the rules, from 0.
        line: 1-based line where the rule starts.
        path_regex: see `config.CreationRule`.
        place: None if the rule names no destination.
        recreation: for whom the published copy is encrypted; None publishes the file as it is.
        omit_extensions: names are published without their last extension.
        unknown: fields without effect.
    """

    index: int
    line: int
    path_regex: str | None
    place: Place | None
    recreation: CreationRule | None = None
    omit_extensions: bool = False
    unknown: tuple[UnknownField, ...] = ()
    _path: Regex | None = field(default=None, repr=False, compare=False)

    def matches(self, path: str) -> bool:
        """Whether the rule is for a path, with `/`."""
        return self._path is None or self._path.search(path)


# By the field that makes a destination, those that belong to it.
_KINDS: Mapping[str, tuple[str, ...]] = {
    "s3_bucket": ("s3_prefix",),
    "gcs_bucket": ("gcs_prefix",),
    "vault_path": ("vault_address", "vault_kv_mount_name", "vault_kv_version"),
}
_FIELDS = frozenset(
    {
        "path_regex",
        "recreation_rule",
        "omit_extensions",
        *_KINDS,
        *(name for own in _KINDS.values() for name in own),
    }
)


def read_destination(
    read: FieldReader, node: Node, index: int, anchors: Mapping[str, str]
) -> DestinationRule:
    """Read one rule.

    Args:
        read: reads fields of this configuration.
        node: the rule.
        index: its position, from 0.
        anchors: names of recipients, see `config.read_rule`.

    Raises:
        ConfigError: wrong types, several destinations, fields of a destination that the rule doesn't have, or
            an address, a path or a version that can't be used.
    """
    name = f"destination_rules[{index}]"
    fields = read.fields(node, name)
    path = read.regex(fields, "path_regex")
    kind = _kind(read, fields, name)
    recreation = _recreation(read, fields, index, anchors, kind)
    unknown = unknown_fields(fields, _FIELDS, f"{name}.")
    if recreation is not None:
        within = f"{name}.recreation_rule."
        unknown += [UnknownField(within + each.name, each.line) for each in recreation.unknown]
        if recreation.path_regex is not None:
            unknown.append(UnknownField(f"{within}path_regex", recreation.line))
    return DestinationRule(
        index,
        node.line,
        None if path is None else path.pattern,
        _place(read, fields, kind),
        recreation,
        read.flag(fields, "omit_extensions"),
        tuple(unknown),
        path,
    )


def _kind(read: FieldReader, fields: Fields, name: str) -> str | None:
    """The field that makes the destination, or None.

    Raises:
        ConfigError: several destinations, or fields of one that is not there.
    """
    found = [kind for kind in _KINDS if read.text(fields, kind)]
    if len(found) > 1:
        read.fail(
            fields[found[1]][0],
            f"{name} has several destinations: {', '.join(found)}",
            hint="write a rule for each; the first that matches a path applies",
        )
    for kind, own in _KINDS.items():
        for field_name in own if kind not in found else ():
            if is_set(fields, field_name):
                read.fail(fields[field_name][0], f"{name} has {field_name}, but no {kind}")
    return found[0] if found else None


def _recreation(
    read: FieldReader, fields: Fields, index: int, anchors: Mapping[str, str], kind: str | None
) -> CreationRule | None:
    if not is_set(fields, "recreation_rule"):
        return None
    key, node = fields["recreation_rule"]
    if not read.fields(node, "recreation_rule"):
        return None
    rule = read_rule(read, node, index, anchors, "recreation_rule")
    if not rule.recipients:
        read.fail(
            key,
            "recreation_rule names no recipient, so that nothing would be encrypted again",
            hint="add `age: age1…` to it, or remove it to publish files as they are",
        )
    if kind == "vault_path":
        read.fail(
            key,
            "recreation_rule has no effect on Vault, which gets the plain values",
            hint="remove it: Vault's policies decide who reads the values",
        )
    return rule


def _place(read: FieldReader, fields: Fields, kind: str | None) -> Place | None:
    if kind == "s3_bucket":
        return S3Place(_bucket(read, fields, kind), _printable(read, fields, "s3_prefix"))
    if kind == "gcs_bucket":
        return GcsPlace(_bucket(read, fields, kind), _printable(read, fields, "gcs_prefix"))
    if kind == "vault_path":
        return VaultPlace(
            _address(read, fields),
            _path(read, fields, "vault_kv_mount_name") or _DEFAULT_MOUNT,
            _path(read, fields, "vault_path"),
            _version(read, fields),
        )
    return None


def _bucket(read: FieldReader, fields: Fields, name: str) -> str:
    text = read.text(fields, name)
    if not _BUCKET.fullmatch(text):
        read.fail(
            fields[name][1], f"{name} is not the name of a bucket", hint="put what follows it into the prefix"
        )
    return text


def _printable(read: FieldReader, fields: Fields, name: str) -> str:
    text = read.text(fields, name)
    if not text.isprintable():
        read.fail(fields[name][1], f"{name} has control characters")
    return text


def _path(read: FieldReader, fields: Fields, name: str) -> str:
    """A path without slashes around it. It must not lead out of where it begins."""
    text = read.text(fields, name).strip("/")
    if text and not is_vault_path(text):
        read.fail(fields[name][1], f"{name} is not a path", hint="write it like team/app, without `..`")
    return text


def is_vault_path(text: str) -> bool:
    """Whether a text is a path that Vault takes as it is, and that leads nowhere else."""
    steps = text.split("/")
    usable = text.isprintable() and not any(mark in text for mark in "?#%\\")
    return usable and not any(step in ("", ".", "..") for step in steps)


def _address(read: FieldReader, fields: Fields) -> str:
    text = read.text(fields, "vault_address").rstrip("/")
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine or not text.isprintable() or any(mark in text for mark in "@?#\\ "):
        read.fail(
            fields["vault_address"][1],
            "vault_address is not the address of a server",
            hint="write it like https://vault.example.com:8200",
        )
    return text


def _version(read: FieldReader, fields: Fields) -> int:
    version = read.number(fields, "vault_kv_version") or 2
    if version not in (1, 2):
        read.fail(fields["vault_kv_version"][1], f"vault_kv_version is {version}, expected 1 or 2")
    return version
