"""What YAML 1.1 makes of kustomize's own files and of JSON 6902 patches, which it reads by way of JSON.

`yes`, `no`, `on`, `off`, `y` and `n` without quotes are booleans there (sigs.k8s.io/yaml), as values and as
keys; manifests are read with YAML 1.2 instead.
"""

from __future__ import annotations

from fluxsecrets.repo.manifests import pairs
from fluxsecrets.sops.document import Entry, Leaf, Mapping, Node, Sequence, Style, to_data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

OLD_BOOLEANS: Final = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
}
"""Texts without quotes that are booleans in YAML 1.1 only."""


def is_old_boolean(node: Leaf) -> bool:
    """Whether a text is a boolean in YAML 1.1."""
    return node.style is Style.PLAIN and isinstance(node.value, str) and node.value in OLD_BOOLEANS


def old_pairs(node: Node | None) -> dict[str, str]:
    """The texts of a map by their keys, which JSON has as `true` and `false` where they are booleans."""
    if not isinstance(node, Mapping):
        return {}
    names = {entry.key: _key(entry) for entry in node.entries if isinstance(entry, Entry)}
    return {names.get(key, key): value for key, value in pairs(to_data(node)).items()}


def old_data(node: Node) -> object:
    """The node as plain data."""
    if isinstance(node, Leaf):
        return OLD_BOOLEANS[str(node.value)] if is_old_boolean(node) else node.value
    if isinstance(node, Sequence):
        return [old_data(item) for item in node.items if isinstance(item, Leaf | Mapping | Sequence)]
    entries = [entry for entry in node.entries if isinstance(entry, Entry)]
    if any(entry.merge for entry in entries):
        return to_data(node)
    return {_key(entry): old_data(entry.value) for entry in entries}


def _key(entry: Entry) -> str:
    is_plain = entry.end - entry.start == len(entry.key)
    if is_plain and entry.key in OLD_BOOLEANS:
        return "true" if OLD_BOOLEANS[entry.key] else "false"
    return entry.key
