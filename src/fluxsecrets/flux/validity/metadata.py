"""Names, namespaces, labels and annotations.

Follows `ValidateObjectMeta` of k8s.io/apimachinery (api/validation/objectmeta.go) and the syntax of
util/validation. The API server alone judges objects of custom kinds in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fluxsecrets.flux.unknown import is_unknown
from fluxsecrets.repo.manifests import Steps, dig
from fluxsecrets.repo.objects import CLUSTER_SCOPED

from .problem import NOUNS, QUOTE, Problem, Subject, field_name, go_kind, texts_of, unfit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MAX_ANNOTATIONS: Final = 256 * 1024
"""Bytes of all annotations, keys and values."""

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_DNS_LABEL = re.compile(_LABEL)
_SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_PART_WORDS = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric"
    " character"
)
_LOWER = "lower case alphanumeric characters"
_SUBDOMAIN_WORDS = (
    f"a lowercase RFC 1123 subdomain must consist of {_LOWER}, '-' or '.', and must start and end with an"
    " alphanumeric character"
)
_LABEL_WORDS = (
    f"a lowercase RFC 1123 label must consist of {_LOWER} or '-', and must start and end with an"
    " alphanumeric character"
)
_SERVICE_WORDS = (
    f"a DNS-1035 label must consist of {_LOWER} or '-', start with an alphabetic character, and end with an"
    " alphanumeric character"
)


def check_names(subject: Subject) -> Iterator[Problem]:
    """A name or namespace that is not one in DNS."""
    name = dig(subject.data, "metadata", "name")
    if isinstance(name, str) and name and not is_unknown(name):
        for fault in _name_faults(subject.kind, name):
            yield _invalid("name-invalid", ("metadata", "name"), name, fault, "rename it")
    namespace = dig(subject.data, "metadata", "namespace")
    if not isinstance(namespace, str) or not namespace or is_unknown(namespace):
        return
    if subject.kind[1] not in CLUSTER_SCOPED:
        for fault in _dns_faults(namespace, _DNS_LABEL, 63, _LABEL_WORDS):
            yield _invalid("name-invalid", ("metadata", "namespace"), namespace, fault, "rename it")


def check_labels(subject: Subject) -> Iterator[Problem]:
    """Keys and values of labels, whose syntax is narrow. A value may come from a Secret, and is not shown.

    Flux adds labels of its own to what it reads as a map of texts (`SetOwnerLabels` of fluxcd/pkg/ssa,
    `GetLabels` of k8s.io/apimachinery). Where one value is not a text, it reads none, and all are gone.
    """
    labels = dig(subject.data, "metadata", "labels")
    place: tuple[str, ...] = ("metadata", "labels")
    if not isinstance(labels, dict):
        if labels is not None:
            yield Problem("labels-lost", place, "Flux drops labels that are not a map", dropped=True)
        return
    for key, value in labels.items():
        kind = go_kind(value)
        if kind not in ("string", "nil"):
            reason = f"the label {key} is {NOUNS[kind]} and not a string: Flux drops all labels of the object"
            yield Problem("labels-lost", (*place, key), reason, QUOTE, dropped=True)
            return
    for key, value in labels.items():
        for fault in () if is_unknown(key) else qualified_faults(key):
            yield _invalid("label-invalid", (*place, key), key, fault, "rename the label")
        wrong = None if value is None or is_unknown(value) else _label_value_fault(value)
        if wrong is not None:
            reason = f"metadata.labels: Invalid value: {wrong}"
            yield Problem("label-invalid", (*place, key), reason, f"change the value of the label {key}")


def check_annotations(subject: Subject) -> Iterator[Problem]:
    """Keys and values of annotations, and their size.

    kustomize writes numbers and booleans as texts when it builds (kyaml's `SetAnnotations`), and empties
    what is a map or list. What becomes a number afterwards, by substitution or decryption, stays one.
    """
    place: tuple[str, ...] = ("metadata", "annotations")
    found = dig(subject.data, *place)
    if not isinstance(found, dict):
        if found is not None:
            yield Problem(
                "annotation-lost", place, "kustomize drops annotations that are not a map", dropped=True
            )
        return
    for key, value in found.items():
        for fault in () if is_unknown(key) else qualified_faults(key.lower()):
            yield _invalid("annotation-invalid", (*place, key), key, fault, "rename the annotation")
        kind = go_kind(value)
        built = dig(subject.written, *place, key)
        if kind in ("map", "slice") and isinstance(built, (dict, list)):
            reason = f"kustomize empties the annotation {key}: it is not a text"
            yield Problem("annotation-lost", (*place, key), reason, QUOTE, dropped=True)
        elif kind not in ("string", "nil") and isinstance(built, str):
            reason = f"{field_name((*place, key))}: {unfit(kind, 'string')}"
            yield Problem("value-not-string", (*place, key), reason, QUOTE)
    known = texts_of(subject.data, *place)
    size = sum(len(text.encode("utf-8", "surrogatepass")) for pair in known.items() for text in pair)
    if size > MAX_ANNOTATIONS:
        reason = f"metadata.annotations: Too long: may not be more than {MAX_ANNOTATIONS} bytes"
        yield Problem("annotations-too-large", place, reason, "shorten them")


def check_owners(subject: Subject) -> Iterator[Problem]:
    """Finalizers with a name that is not one, and owners without one."""
    metadata = dig(subject.data, "metadata")
    for index, finalizer in enumerate(_items(metadata, "finalizers")):
        if not isinstance(finalizer, str) or is_unknown(finalizer):
            continue
        for fault in qualified_faults(finalizer):
            yield _invalid(
                "metadata-invalid", ("metadata", "finalizers", index), finalizer, fault, "rename it"
            )
    for index, owner in enumerate(_items(metadata, "ownerReferences")):
        if not isinstance(owner, dict):
            continue
        for name in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(name):
                reason = f'metadata.ownerReferences.{name}: Invalid value: "": must not be empty'
                hint = "take ownerReferences out: they name objects of one cluster"
                yield Problem("metadata-invalid", ("metadata", "ownerReferences", index), reason, hint)


def _items(metadata: object, name: str) -> list[object]:
    found = dig(metadata, name)
    return found if isinstance(found, list) else []


def check_managed(subject: Subject) -> Iterator[Problem]:
    """`managedFields`, which come along with what `kubectl get` prints."""
    if dig(subject.data, "metadata", "managedFields"):
        yield Problem(
            "managed-fields",
            ("metadata", "managedFields"),
            "metadata.managedFields must be nil",
            "take managedFields out: they are the API server's",
        )


def qualified_faults(key: str) -> Iterator[str]:
    """Why a key of a label is not one: a name, with a DNS name and `/` in front of it or not."""
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        yield f"a valid label key {_PART_WORDS}"
        return
    if slash:
        if not prefix:
            yield "prefix part must be non-empty"
        else:
            yield from (
                f"prefix part {fault}" for fault in _dns_faults(prefix, _SUBDOMAIN, 253, _SUBDOMAIN_WORDS)
            )
    if not name:
        yield "name part must be non-empty"
    elif len(name.encode("utf-8", "surrogatepass")) > 63:
        yield "name part must be no more than 63 bytes"
    if not _PART.fullmatch(name):
        yield f"name part {_PART_WORDS}"


def _label_value_fault(value: str) -> str | None:
    if len(value.encode("utf-8", "surrogatepass")) > 63:
        return "must be no more than 63 bytes"
    if not value or _PART.fullmatch(value):
        return None
    return f"a valid label must be an empty string or {_PART_WORDS.removeprefix('must ')}"


def _name_faults(kind: tuple[str, str], name: str) -> Iterator[str]:
    version, of = kind
    if version.startswith("rbac.authorization.k8s.io/"):
        # a segment of a path, nothing more (`IsValidPathSegmentName`)
        if name in (".", ".."):
            yield f"may not be '{name}'"
        yield from (f"may not contain '{sign}'" for sign in "/%" if sign in name)
    elif kind == ("v1", "Namespace"):
        yield from _dns_faults(name, _DNS_LABEL, 63, _LABEL_WORDS)
    elif kind == ("v1", "Service"):
        yield from _dns_faults(name, _SERVICE, 63, _SERVICE_WORDS)
    elif not version.startswith("events.k8s.io/") and of != "Event":
        longest = 52 if of == "CronJob" and version.startswith("batch/") else 253
        yield from _dns_faults(name, _SUBDOMAIN, longest, _SUBDOMAIN_WORDS)


def _dns_faults(name: str, pattern: re.Pattern[str], longest: int, words: str) -> Iterator[str]:
    if len(name.encode("utf-8", "surrogatepass")) > longest:
        yield f"must be no more than {longest} bytes"
    if not pattern.fullmatch(name):
        yield words


def _invalid(behaviour: str, steps: Steps, name: str, fault: str, hint: str) -> Problem:
    place = field_name(steps if steps[-2] == "metadata" else steps[:-1])
    shown = name if name.isprintable() else name.encode("unicode_escape").decode("ascii")
    return Problem(behaviour, steps, f'{place}: Invalid value: "{shown}": {fault}', hint)
