"""The environment of containers: the value moves to a Secret, which `valueFrom.secretKeyRef` names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.extract.model import Edit, Extraction, LiteralValue, Moved, Wanted
from fluxsecrets.repo.manifests import child, items_of, line_of, text_of
from fluxsecrets.sops.document import Data, Leaf, Mapping, Node, Path, find, show_path

from .keynames import key_name
from .literals import is_value, movable_text

_TEMPLATE: Final[Path] = ("spec", "template", "spec")
POD_SPECS: Final[dict[str, Path]] = {
    "Pod": ("spec",),
    "Deployment": _TEMPLATE,
    "StatefulSet": _TEMPLATE,
    "DaemonSet": _TEMPLATE,
    "ReplicaSet": _TEMPLATE,
    "ReplicationController": _TEMPLATE,
    "Job": _TEMPLATE,
    "CronJob": ("spec", "jobTemplate", *_TEMPLATE),
    "PodTemplate": ("template", "spec"),
}
"""Where each kind has the specification of its pods."""

_GROUPS: Final = frozenset({"v1", "apps/v1", "batch/v1"})
CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")
_EXPANDED: Final = re.compile(r"\$\$|\$\(")


@dataclass(frozen=True, slots=True)
class _PodEnvironment:
    """See `Place`."""

    shown: ClassVar[str] = "containers' environment"
    root: ClassVar[Path] = ()
    at_reader: ClassVar[bool] = False

    def holds(self, node: Mapping) -> bool:
        """Whether it is an object of Kubernetes with a pod in it."""
        return text_of(node.get("kind")) in POD_SPECS and text_of(node.get("apiVersion")) in _GROUPS

    def literals(self, node: Mapping) -> Sequence[LiteralValue]:
        """The values of variables that are written in the object."""
        return tuple(
            LiteralValue((*path, "value"), value.value, value.line, text_of(item.get("name")))
            for path, item in variables(node)
            if isinstance(value := child(item, "value"), Leaf) and is_value(value.value)
        )

    def secret_name(self, node: Mapping) -> str:
        """`NAME-env`."""
        return f"{text_of(child(node, 'metadata', 'name')) or 'pod'}-env"

    def extract(self, wanted: Wanted) -> Extraction:
        """See `Place.extract`."""
        items = {(*path, "value"): item for path, item in variables(wanted.node)}
        taken: dict[str, str] = dict.fromkeys(wanted.taken, "")
        moved: list[Moved] = []
        edits: list[Edit] = []
        for path in wanted.paths:
            item = items.get(path)
            if item is None:
                raise UsageError(
                    f"{show_path(path)} is not the value of an environment variable",
                    hint="`fluxsecrets extract FILE` lists the variables",
                )
            made = _moved(path, item, taken)
            taken[made.key] = made.text
            moved.append(made)
            reference: Data = {"secretKeyRef": {"name": wanted.secret, "key": made.key}}
            edits += [Edit((*path[:-1], "valueFrom"), reference), Edit(path, remove=True)]
        return Extraction(tuple(moved), tuple(edits))


PLACE: Final = _PodEnvironment()


def variables(node: Mapping) -> Iterator[tuple[Path, Mapping]]:
    """Yield the items of `env` of all containers, with their paths below the object."""
    spec = POD_SPECS.get(text_of(node.get("kind")) or "")
    for kind in CONTAINERS if spec is not None else ():
        containers = (*(spec or ()), kind)
        for number, container in enumerate(items_of(find(node, containers))):
            for position, item in enumerate(items_of(child(container, "env"))):
                if isinstance(item, Mapping):
                    yield (*containers, number, "env", position), item


def _moved(path: Path, item: Mapping, taken: dict[str, str]) -> Moved:
    """Return the key of the Secret for a variable; equal variables share one.

    Raises:
        UsageError: the value can't be moved.
    """
    name, value = text_of(item.get("name")) or "", item.get("value")
    text = _text(path, value)
    share = taken.get(name) == text and text != ""
    key = name if share else key_name((name,), taken)
    return Moved(path, key, text, f"env {name}", line_of(value) or 0)


def _text(path: Path, value: Node | None) -> str:
    """Return what the container gets: Kubernetes expands `$(NAME)` and `$$` here, but not in a Secret."""
    text = expanded(movable_text(value, path, named="variable"))
    if text is None:
        raise UsageError(
            f"{show_path(path)} refers to another variable with `$(…)`, which is not expanded in a Secret",
            hint="extract that variable, and keep this one",
        )
    return text


def expanded(value: str) -> str | None:
    """Return what a container gets for a value, or None if it refers to other variables.

    Follows Kubernetes: third_party/forked/golang/expansion/expand.go.
    """
    if any(found.group() == "$(" for found in _EXPANDED.finditer(value)):
        return None
    return value.replace("$$", "$")
