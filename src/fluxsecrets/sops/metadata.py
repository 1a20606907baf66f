"""The `sops` block of a file as a model: who can open it, what is encrypted, and the MAC."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fluxsecrets.errors import MetadataError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass, field

from .recipients import KINDS, Recipient, recipient_id
from .selectors import DEFAULT_SELECTOR, SelectorKind, SelectorSpec
from .values import Timestamp, is_usual_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import date

VERSION = "3.13.2"
"""The version of sops whose format is written; readers only compare it."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key, or one Shamir share of it, encrypted for one recipient.

    Attributes:
        enc: the wrapped key as its provider writes it: age and PGP armour, base64 for the others.
        created_at: RFC 3339 time for kinds that record it, else None.
    """

    recipient: Recipient
    enc: str = field(repr=False)
    created_at: str | None = None


class KeyGroup(NamedTuple):
    """Keys of which any one opens the group's share.

    Attributes:
        keys: at least one, in files that somebody can open.
        unknown: fields that this version does not know, such as a newer kind of key, kept as they are.
    """

    keys: tuple[WrappedKey, ...]
    unknown: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Metadata:
    """A file's `sops` block, without the data key, which is never in it in the clear.

    Attributes:
        key_groups: with one group each key opens the file; with several, `shamir_threshold` of them do.
        shamir_threshold: how many groups are needed; 0 where the file does not say.
        mac_only_encrypted: the MAC covers encrypted values only.
        mac: the encrypted MAC, or None where the file has none, which is an error on reading.
        lastmodified: RFC 3339, in whole seconds; the MAC's additional data.
        version: of the sops format that wrote the file.
        unknown: fields that this version does not know, kept as they are: (name, plain data).
    """

    key_groups: tuple[KeyGroup, ...]
    selector: SelectorSpec
    lastmodified: str
    mac: str | None
    mac_only_encrypted: bool = False
    shamir_threshold: int = 0
    version: str = VERSION
    unknown: tuple[tuple[str, object], ...] = ()

    @property
    def wrapped_keys(self) -> Iterator[WrappedKey]:
        """The keys of all groups, in order."""
        for group in self.key_groups:
            yield from group.keys

    @property
    def recipients(self) -> tuple[tuple[Recipient, ...], ...]:
        """The recipients of each group, in order."""
        return tuple(tuple(key.recipient for key in group.keys) for group in self.key_groups)

    @property
    def changed(self) -> date:
        """The day of `lastmodified`."""
        from datetime import date  # takes time to import, and only `audit` asks

        return date.fromisoformat(self.lastmodified[:10])


KEY_KINDS = tuple(sorted(KINDS, key=lambda kind: KINDS[kind].local))
"""All kinds of keys, in the order in which sops reads their lists: those of services first."""

_SELECTORS = tuple((kind.value, kind) for kind in SelectorKind)
_SELECTOR_FIELDS = frozenset(name for name, _ in _SELECTORS)
_SCALAR_FIELDS = ("lastmodified", "mac", "version", "mac_only_encrypted", "shamir_threshold")
_KNOWN_FIELDS = frozenset((*KINDS, *_SCALAR_FIELDS, *_SELECTOR_FIELDS, "key_groups"))

_VERSION = r"v?([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})"
_LASTMODIFIED = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"


def parse_metadata(data: Mapping[str, object]) -> Metadata:
    """Read the plain data of a `sops` block.

    Flat keys win over `key_groups`, as in sops: stores/stores.go, `internalKeygroups`.

    Scalars are typed by the file's format, or all strings (dotenv and INI know no other type).

    Raises:
        MetadataError: a field has the wrong type or a wrong value, no key at all, or several selectors.
    """
    flat = _parse_group(data, "sops")
    groups = (flat,) if flat.keys else _parse_groups(data.get("key_groups"))
    if not any(group.keys for group in groups):
        raise MetadataError(
            "the sops block has no keys",
            hint="the block is damaged: restore the file from git",
        )
    mac = data.get("mac")
    if mac is not None and not isinstance(mac, str):
        raise MetadataError("sops.mac is not a string")
    return Metadata(
        key_groups=groups,
        selector=_parse_selector(data),
        lastmodified=_parse_lastmodified(data.get("lastmodified")),
        mac=mac or None,
        mac_only_encrypted=_parse_bool(data, "mac_only_encrypted"),
        shamir_threshold=_parse_int(data, "shamir_threshold"),
        version=str(data.get("version") or ""),
        unknown=tuple((name, value) for name, value in data.items() if name not in _KNOWN_FIELDS),
    )


def metadata_to_data(metadata: Metadata) -> dict[str, object]:
    """The block as plain data, sorted by name at every level, as sops 3.13 writes it."""
    data: dict[str, object] = dict(metadata.unknown)
    data[metadata.selector.kind.value] = metadata.selector.pattern
    data["lastmodified"] = metadata.lastmodified
    data["mac"] = metadata.mac or ""
    data["version"] = metadata.version
    if metadata.mac_only_encrypted:
        data["mac_only_encrypted"] = True
    if metadata.shamir_threshold:
        data["shamir_threshold"] = metadata.shamir_threshold
    if len(metadata.key_groups) == 1:
        group = metadata.key_groups[0]
        data |= {
            name: value for name, value in group.unknown if name not in data and name not in _KNOWN_FIELDS
        }
        data |= _group_to_data(group)
    else:
        # sops writes these two lists in every group, empty or not.
        data["key_groups"] = [
            dict(sorted({**dict(group.unknown), "age": [], "hc_vault": [], **_group_to_data(group)}.items()))
            for group in metadata.key_groups
        ]
    return dict(sorted(data.items()))


def is_newer(version: str) -> bool:
    """Return whether a file's version is a newer minor or major one; False for a text that is not a version.

    A patch release does not change the format.
    """
    if version == VERSION:
        return False
    match, own = re.match(_VERSION, version), re.match(_VERSION, VERSION)
    if match is None or own is None:
        return False
    return tuple(map(int, match.groups()[:2])) > tuple(map(int, own.groups()[:2]))


def _parse_groups(value: object) -> tuple[KeyGroup, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise MetadataError("sops.key_groups is not a list")
    groups = []
    for number, item in enumerate(value):
        if not isinstance(item, dict):
            raise MetadataError(f"sops.key_groups[{number}] is not a map")
        group = _parse_group(item, f"sops.key_groups[{number}]")
        unknown = tuple((name, value) for name, value in item.items() if name not in KINDS)
        groups.append(KeyGroup(group.keys, unknown))
    return tuple(groups)


def _parse_group(data: Mapping[str, object], where: str) -> KeyGroup:
    keys: list[WrappedKey] = []
    for kind in KEY_KINDS:
        entries = data.get(kind)
        if entries is None:
            continue
        if not isinstance(entries, list):
            raise MetadataError(f"{where}.{kind} is not a list")
        for number, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise MetadataError(f"{where}.{kind}[{number}] is not a map")
            keys.append(_parse_key(kind, entry, f"{where}.{kind}[{number}]"))
    return KeyGroup(tuple(keys))


def _parse_key(kind: str, entry: Mapping[str, object], where: str) -> WrappedKey:
    identifying = KINDS[kind].fields
    for name in (*identifying, "enc"):
        if not isinstance(entry.get(name, "" if name == "version" else None), str):
            raise MetadataError(f"{where}.{name} is missing or not a string")
    simple = len(identifying) == 1
    attributes = tuple(
        (name, value)
        for name, value in entry.items()
        if name not in ("enc", "created_at") and not (simple and name == identifying[0])
    )
    created_at = entry.get("created_at")
    return WrappedKey(
        recipient=Recipient(kind, recipient_id(kind, entry), attributes),
        enc=str(entry["enc"]),
        created_at=None if created_at is None else _text_of(created_at),
    )


def _group_to_data(group: KeyGroup) -> dict[str, object]:
    lists: dict[str, list[object]] = {}
    for key in group.keys:
        identifying = KINDS[key.recipient.kind].fields
        entry: dict[str, object] = dict(key.recipient.attributes)
        if len(identifying) == 1:
            entry[identifying[0]] = key.recipient.id
        if key.created_at is not None:
            entry["created_at"] = key.created_at
        entry["enc"] = key.enc
        lists.setdefault(key.recipient.kind, []).append(dict(sorted(entry.items())))
    return dict(sorted(lists.items()))


def _parse_selector(data: Mapping[str, object]) -> SelectorSpec:
    given = [kind for name, kind in _SELECTORS if data.get(name)]
    if len(given) > 1:
        names = ", ".join(kind.value for kind in given)
        raise MetadataError(f"the sops block has several selectors: {names}")
    if not given:
        return DEFAULT_SELECTOR
    pattern = data[given[0].value]
    if not isinstance(pattern, str):
        raise MetadataError(f"sops.{given[0].value} is not a string")
    return SelectorSpec(given[0], pattern)


def _parse_lastmodified(value: object) -> str:
    # An unquoted time is a timestamp in YAML, not a string, and sops refuses it.
    try:
        if isinstance(value, str) and (is_usual_time(value) or re.fullmatch(_LASTMODIFIED, value, re.ASCII)):
            Timestamp.parse(value)
            return value
    except ValueError:
        pass
    if isinstance(value, Timestamp):
        raise MetadataError(
            "sops.lastmodified is a time, and sops needs a text", hint="put it in quotes, as sops writes it"
        )
    raise MetadataError("sops.lastmodified is missing or not an RFC 3339 time")


def _parse_bool(data: Mapping[str, object], name: str) -> bool:
    value = data.get(name, False)
    if isinstance(value, bool):
        return value
    if value in ("true", "True", "1", "false", "False", "0", ""):
        return value in ("true", "True", "1")
    raise MetadataError(f"sops.{name} is not a boolean")


def _parse_int(data: Mapping[str, object], name: str) -> int:
    value = data.get(name, 0)
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,3}", value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 255:
        raise MetadataError(f"sops.{name} is not a number between 0 and 255")
    return value


def _text_of(value: object) -> str:
    text = getattr(value, "text", value)
    if not isinstance(text, str):
        raise MetadataError("a key's created_at is not a time")
    return text
