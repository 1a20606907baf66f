"""`in_cluster` of an environment in `.fluxsecrets.yaml`: what something else makes there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fluxsecrets.sops.placed_yaml import FieldReader, Node, is_set, keys_outside

KEYS: Final = frozenset({"kind", "namespace", "name", "keys"})
KINDS: Final = ("Secret", "ConfigMap")


@dataclass(frozen=True, slots=True)
class Present:
    """One of them.

    Attributes:
        kind: Secret or ConfigMap.
        keys: of its data; None where that is not said.
    """

    kind: str
    namespace: str
    name: str
    keys: tuple[str, ...] | None


def present_settings(nodes: tuple[Node, ...], path: str) -> tuple[Present, ...]:
    """Return the entries.

    Args:
        nodes: one per entry.
        path: of the file, for errors.

    Raises:
        ConfigError: something in them is wrong; with line and column.
    """
    reader = FieldReader(path)
    return tuple(_present(reader, node) for node in nodes)


def _present(reader: FieldReader, node: Node) -> Present:
    fields = reader.fields(node, "an entry of in_cluster")
    for key in keys_outside(fields, KEYS):
        hint = f"known are {', '.join(sorted(KEYS))}"
        reader.fail(key, f"an entry of in_cluster has no key {key.text[:60]!a}", hint=hint)
    kind = reader.required(fields, "kind", node)
    if kind not in KINDS:
        reader.fail(fields["kind"][1], f"{kind[:60]!a} is not a kind here", hint="it is Secret or ConfigMap")
    keys = None
    if is_set(fields, "keys"):
        keys = tuple(reader.strict_text("keys", each) for each in reader.items(fields, "keys"))
    return Present(
        kind, reader.required(fields, "namespace", node), reader.required(fields, "name", node), keys
    )
