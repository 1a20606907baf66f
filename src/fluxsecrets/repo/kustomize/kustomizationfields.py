"""The fields of a kustomization file, and what kustomize refuses in one.

Follows kustomize's api/types: files are decoded strictly (`Unmarshal`), and then checked (`CheckEmpty`,
`EnforceFields`). Flux reads the file that `spec.path` leads to before that, leniently, and writes it anew
(fluxcd/pkg/kustomize), so that unknown fields do not count in that one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fluxsecrets.records import dataclass
from fluxsecrets.repo.manifests import items_of, line_of
from fluxsecrets.sops.document import Entry, Leaf, Node, Sequence
from fluxsecrets.sops.document import Mapping as MapNode

from .oldyaml import is_old_boolean

COMPONENT = "Component"
_GROUP = "kustomize.config.k8s.io"
_VERSIONS = {"Kustomization": f"{_GROUP}/v1beta1", COMPONENT: f"{_GROUP}/v1alpha1"}

_Shape = str | tuple["_Shape"] | Mapping[str, "_Shape"]
"""`string`, `bool`, `integer`, `any` or `strings` (a map of them), a list of a shape, or a map's fields."""

_GVK: Mapping[str, _Shape] = {"group": "string", "version": "string", "kind": "string"}
_ID: Mapping[str, _Shape] = {**_GVK, "name": "string", "namespace": "string"}
_SELECTOR: Mapping[str, _Shape] = {**_ID, "annotationSelector": "string", "labelSelector": "string"}
_FIELD_SPEC: Mapping[str, _Shape] = {**_GVK, "path": "string", "create": "bool"}
_OPTIONS: Mapping[str, _Shape] = {
    "labels": "strings",
    "annotations": "strings",
    "disableNameSuffixHash": "bool",
    "immutable": "bool",
}
_GENERATOR: Mapping[str, _Shape] = {
    "namespace": "string",
    "name": "string",
    "behavior": "string",
    "literals": ("string",),
    "files": ("string",),
    "envs": ("string",),
    "env": "string",
    "options": _OPTIONS,
}
_PATCH: Mapping[str, _Shape] = {
    "path": "string",
    "patch": "string",
    "target": _SELECTOR,
    "options": {"allowNameChange": "bool", "allowKindChange": "bool"},
}
_IMAGE: Mapping[str, _Shape] = dict.fromkeys(("name", "newName", "tagSuffix", "newTag", "digest"), "string")
_FIELD_OPTIONS: Mapping[str, _Shape] = {
    "delimiter": "string",
    "index": "integer",
    "encoding": "string",
    "create": "bool",
}
_REPLACEMENT: Mapping[str, _Shape] = {
    "path": "string",
    "source": {**_ID, "fieldPath": "string", "options": _FIELD_OPTIONS},
    "sourceValue": "string",
    "targets": (
        {
            "select": _SELECTOR,
            "reject": (_SELECTOR,),
            "fieldPaths": ("string",),
            "options": _FIELD_OPTIONS,
        },
    ),
}
_CHART: Mapping[str, _Shape] = {
    **dict.fromkeys(
        ("name", "version", "repo", "releaseName", "namespace", "valuesFile", "valuesMerge", "kubeVersion"),
        "string",
    ),
    "nameTemplate": "string",
    "additionalValuesFiles": ("string",),
    "apiVersions": ("string",),
    "valuesInline": "any",
    **dict.fromkeys(("includeCRDs", "skipHooks", "skipTests", "debug", "devel"), "bool"),
}
_OLD_CHART: Mapping[str, _Shape] = {
    **dict.fromkeys(
        ("chartName", "chartVersion", "chartRepoUrl", "chartHome", "chartRepoName", "helmBin", "helmHome"),
        "string",
    ),
    **dict.fromkeys(("values", "valuesMerge", "releaseName", "releaseNamespace"), "string"),
    "valuesLocal": "any",
    "extraArgs": ("string",),
}
_FIELDS: Mapping[str, _Shape] = {
    "kind": "string",
    "apiVersion": "string",
    "metadata": {"name": "string", "namespace": "string", "labels": "strings", "annotations": "strings"},
    "openapi": "strings",
    "namePrefix": "string",
    "nameSuffix": "string",
    "namespace": "string",
    "commonLabels": "strings",
    "labels": (
        {
            "pairs": "strings",
            "includeSelectors": "bool",
            "includeTemplates": "bool",
            "fields": (_FIELD_SPEC,),
        },
    ),
    "commonAnnotations": "strings",
    "patchesStrategicMerge": ("string",),
    "patchesJson6902": (_PATCH,),
    "patches": (_PATCH,),
    "images": (_IMAGE,),
    "imageTags": (_IMAGE,),
    "replacements": (_REPLACEMENT,),
    "replicas": ({"name": "string", "count": "integer"},),
    "vars": (
        {
            "name": "string",
            "objref": {**_ID, "apiVersion": "string"},
            "fieldref": {"fieldPath": "string"},
        },
    ),
    "sortOptions": {
        "order": "string",
        "legacySortOptions": {"orderFirst": ("string",), "orderLast": ("string",)},
    },
    "configMapGenerator": (_GENERATOR,),
    "secretGenerator": ({**_GENERATOR, "type": "string"},),
    "helmGlobals": {"chartHome": "string", "configHome": "string"},
    "helmCharts": (_CHART,),
    "helmChartInflationGenerator": (_OLD_CHART,),
    "generatorOptions": _OPTIONS,
    **dict.fromkeys(
        (
            "resources",
            "components",
            "crds",
            "bases",
            "configurations",
            "generators",
            "transformers",
            "validators",
            "buildMetadata",
        ),
        ("string",),
    ),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What kustomize refuses in a file.

    Attributes:
        reason: in its words.
        line: where.
        strict: only a strict reading refuses it.
        outermost: it matters in the folder that is built only, and not in those that it includes.
    """

    reason: str
    line: int | None
    strict: bool = False
    outermost: bool = False


def faults(root: Node | None) -> tuple[Fault, ...]:
    """What is wrong with a kustomization file.

    Args:
        root: its first document; None where it has none.
    """
    if isinstance(root, Leaf) and root.value is None:
        root = None
    if root is None:
        return (Fault("kustomization.yaml is empty", None, strict=True),)
    if not isinstance(root, MapNode):
        return (Fault("invalid Kustomization: json: cannot unmarshal into Go value", line_of(root)),)
    return (*_wrong_fields(root, _FIELDS, ""), *_wrong_kind(root))


def in_case(root: Node | None) -> Node | None:
    """The file with its fields as they are called: Go's decoder does not look at the case."""
    if not isinstance(root, MapNode) or all(entry.key in _FIELDS for entry in _entries(root)):
        return root
    known = {key.lower(): key for key in _FIELDS}
    entries = tuple(
        entry._replace(key=known.get(entry.key.lower(), entry.key)) if isinstance(entry, Entry) else entry
        for entry in root.entries
    )
    return root._replace(entries=entries)


def kind_of(root: Node | None) -> str:
    """`kind`, or what stands for it where it is missing."""
    found = root.get("kind") if isinstance(root, MapNode) else None
    text = found.value if isinstance(found, Leaf) else None
    return text if isinstance(text, str) and text else "Kustomization"


def _wrong_kind(root: MapNode) -> Iterator[Fault]:
    kind = kind_of(root)
    entries = {entry.key: entry for entry in _entries(root)}
    if kind not in _VERSIONS:
        yield Fault("kind should be Kustomization or Component", entries["kind"].line)
    wanted = _VERSIONS.get(kind, _VERSIONS["Kustomization"])
    version = root.get("apiVersion")
    if isinstance(version, Leaf) and version.value not in (None, "", wanted):
        yield Fault(
            f"apiVersion for {kind!a} should be {wanted}".replace("'", ""), entries["apiVersion"].line
        )
    if not any(
        isinstance(entry.value, (MapNode, Sequence)) or getattr(entry.value, "value", None) not in (None, "")
        for key, entry in entries.items()
        if key not in ("kind", "apiVersion")
    ):
        yield Fault("kustomization.yaml is empty", line_of(root), strict=True)


def _wrong_fields(node: Node, shape: _Shape, name: str) -> Iterator[Fault]:
    """Unknown fields, and values of another type; null is always taken."""
    if (isinstance(node, Leaf) and node.value is None) or shape == "any":
        return
    if isinstance(shape, Mapping):
        yield from _wrong_map(node, shape, name)
    elif isinstance(shape, tuple):
        if isinstance(node, Sequence):
            for item in items_of(node):
                yield from _wrong_fields(item, shape[0], name)
        else:
            yield _wrong_type(node, name, "a list")
    elif shape == "strings":
        if isinstance(node, MapNode):
            for entry in _entries(node):
                yield from _wrong_fields(entry.value, "string", name)
        else:
            yield _wrong_type(node, name, "a map")
    elif isinstance(node, Leaf):
        yield from _wrong_scalar(node, str(shape), name)
    else:
        yield _wrong_type(node, name, "a single value")


def _wrong_map(node: Node, shape: Mapping[str, _Shape], name: str) -> Iterator[Fault]:
    if not isinstance(node, MapNode):
        yield _wrong_type(node, name, "a map")
        return
    known = {key.lower(): key for key in shape}  # Go's decoder does not look at the case
    for entry in _entries(node):
        key = entry.key if entry.key in shape else known.get(entry.key.lower())
        if key is None:
            reason = f"invalid Kustomization: json: unknown field {_quoted(entry.key)}"
            yield Fault(reason, entry.line, strict=True)
        else:
            yield from _wrong_fields(entry.value, shape[key], f"{name}.{key}".lstrip("."))


def _entries(node: MapNode) -> Iterator[Entry]:
    return (entry for entry in node.entries if isinstance(entry, Entry))


def _wrong_scalar(node: Leaf, shape: str, name: str) -> Iterator[Fault]:
    value = node.value
    if shape == "string" and (not isinstance(value, str) or is_old_boolean(node)):
        # The lenient reading makes a text of a number and of a boolean.
        yield Fault(_unmarshal(name, "string"), node.line, strict=True)
    elif shape == "bool" and not isinstance(value, bool):
        yield Fault(_unmarshal(name, "bool"), node.line)
    elif shape == "integer" and (isinstance(value, bool) or not isinstance(value, int)):
        yield Fault(_unmarshal(name, "int"), node.line)


def _wrong_type(node: Node, name: str, wanted: str) -> Fault:
    return Fault(f"invalid Kustomization: json: {name} should be {wanted}", line_of(node))


def _unmarshal(name: str, wanted: str) -> str:
    return f"invalid Kustomization: json: cannot unmarshal field {name} into Go value of type {wanted}"


def _quoted(key: str) -> str:
    return '"' + ascii(key)[1:-1] + '"'
