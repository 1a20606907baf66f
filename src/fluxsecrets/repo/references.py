"""Which Secrets and ConfigMaps an object uses, and which it brings about.

Kubernetes' own kinds and Flux's are known exactly. Other kinds have fields that are called alike
(`secretRef`, `passwordSecret`, `secretName`): what is found by that is marked as likely.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fluxsecrets.records import dataclass

from .manifests import EXTERNAL_GROUP, SEALED_GROUP, Plain, Steps, dig, maps, text, walk
from .objects import Object


@dataclass(frozen=True, slots=True)
class Use:
    """One reference.

    Attributes:
        kind: `Secret` or `ConfigMap`.
        namespace, name: of the target; by default the object's own namespace.
        key: the key that is read, or None for all or unknown.
        optional: nothing fails where it is missing.
        via: how: env, envFrom, volume, imagePullSecret, tls, valuesFrom, substituteFrom, decryption,
            serviceAccount, secretRef (other fields that say so) or values (in a chart's values).
        likely: it was found by the field's name only, or stands in a chart's values.
        steps: where in the object's data the name stands.
        line: 1-based line in the object's file.
    """

    kind: str
    namespace: str | None
    name: str
    key: str | None
    optional: bool
    via: str
    likely: bool
    steps: Steps
    line: int


@dataclass(frozen=True, slots=True)
class Provision:
    """A Secret or ConfigMap that an object brings about in the cluster.

    Attributes:
        kind: `Secret` or `ConfigMap`.
        keys: its keys, or None where they are not known.
        how: `plain` (a manifest without a `sops` block), `sops`, `generated`, `sealed`, `external`,
            `certificate`, or `cluster` (an operator makes it).
        steps: where in the object's data its name stands.
        line: 1-based line in the object's file.
    """

    kind: str
    namespace: str | None
    name: str
    keys: tuple[str, ...] | None
    how: str
    steps: Steps
    line: int


def uses(item: Object) -> tuple[Use, ...]:
    """What an object uses, in the order in which it stands there."""
    if item.kind in _WITHOUT:
        return ()
    return tuple(_found(item))


def provisions(item: Object) -> tuple[Provision, ...]:
    """What an object brings about."""
    maker = _MAKERS.get((item.group, item.kind))
    if maker is not None:
        return tuple(maker(item))
    if item.kind in ("Secret", "ConfigMap") and item.api_version == "v1":
        return (_itself(item),)
    return ()


# What is used.

_WITHOUT = frozenset({"CustomResourceDefinition", "Secret", "ConfigMap", "SealedSecret", "ExternalSecret",
                      "ClusterExternalSecret", "PushSecret", "ClusterPolicy", "Policy"})  # fmt: skip
"""Kinds whose data are not references, and schemas and templates that only look like them."""

_EXACT = re.compile(
    r"(?:|apps|batch|networking\.k8s\.io|gateway\.networking\.k8s\.io|.*\.toolkit\.fluxcd\.io)"
)
_SECRET_FIELD = re.compile(r".*[sS]ecret(?:Ref|KeyRef|KeySelector|Reference)?")
_SECRET_NAME = re.compile(r"(?:.*S|s)ecretName(?:Override)?")
_CONFIG_FIELD = re.compile(r"(?:.*C|c)onfigMap(?:Ref|KeyRef)?")
_CONFIG_NAME = re.compile(r"(?:.*C|c)onfigMapName")
_VIA = {
    "secretKeyRef": "env",
    "configMapKeyRef": "env",
    "decryption": "decryption",
    "tls": "tls",
    "certificateRefs": "tls",
    "imagePullSecrets": "imagePullSecret",
}


def _found(item: Object) -> Iterator[Use]:
    exact = _EXACT.fullmatch(item.group) is not None
    for steps, data in walk(item.data):
        likely = not exact or (item.kind == "HelmRelease" and steps[:2] == ("spec", "values"))
        if len(steps) >= 2 and isinstance(steps[-1], int):
            yield from _in_list(item, steps, data, likely=likely)
        for field, value in data.items():
            if isinstance(value, dict):
                yield from _in_map(item, (*steps, field), value, likely=likely)
            elif isinstance(value, str) and value:
                yield from _in_text(item, (*steps, field), value, data, likely=likely)


def _in_map(item: Object, steps: Steps, value: Plain, *, likely: bool) -> Iterator[Use]:
    """`secretRef: {name: …}` and its like."""
    field = str(steps[-1])
    secret = _SECRET_FIELD.fullmatch(field) is not None
    if not secret and _CONFIG_FIELD.fullmatch(field) is None:
        return
    name = text(value, "name")
    if name is None or (field == "secret" and "secretName" in value):
        return
    kind = "Secret" if secret else "ConfigMap"
    yield _use(item, kind, name, (*steps, "name"), value, likely=likely)


def _in_text(item: Object, steps: Steps, value: str, around: Plain, *, likely: bool) -> Iterator[Use]:
    """`secretName: …` and its like."""
    field = str(steps[-1])
    if _SECRET_NAME.fullmatch(field):
        if not (item.kind == "Certificate" and steps == ("spec", "secretName")):
            yield _use(item, "Secret", value, steps, around, likely=likely)
    elif _CONFIG_NAME.fullmatch(field):
        yield _use(item, "ConfigMap", value, steps, around, likely=likely)
    elif field == "existingSecret":
        yield _use(item, "Secret", value, steps, around, likely=True)


def _in_list(item: Object, steps: Steps, data: Plain, *, likely: bool) -> Iterator[Use]:
    """Items of lists that name Secrets, such as those of `imagePullSecrets` and `valuesFrom`."""
    field, name = steps[-2], text(data, "name")
    if name is None:
        return
    if field == "imagePullSecrets" or (field == "secrets" and item.kind == "ServiceAccount"):
        yield _use(item, "Secret", name, (*steps, "name"), data, likely=likely)
    elif field in ("valuesFrom", "substituteFrom"):
        if data.get("kind") in ("Secret", "ConfigMap"):
            yield _use(item, str(data["kind"]), name, (*steps, "name"), data, likely=likely)
    elif field == "certificateRefs" and data.get("kind") in (None, "Secret"):
        yield _use(item, "Secret", name, (*steps, "name"), data, likely=False)


_RELEASE_NAME = re.compile(r"\{\{-?\s*\.Release\.Name\s*-?\}\}")


def _use(item: Object, kind: str, name: str, steps: Steps, around: Plain, *, likely: bool) -> Use:
    if item.kind == "HelmRelease" and "{{" in name:  # charts render texts in their values
        name = _RELEASE_NAME.sub(lambda _: release_name(item), name)
    namespace = text(around, "namespace") or item.namespace
    key = text(around, "key") or text(around, "valuesKey")
    via = _via(item, steps)
    return Use(
        kind,
        namespace,
        name,
        key,
        around.get("optional") is True,
        via,
        likely,
        steps,
        item.line_at(steps),
    )


def release_name(item: Object) -> str:
    """What helm-controller calls the release of a HelmRelease."""
    given, target = text(item.data, "spec", "releaseName"), text(item.data, "spec", "targetNamespace")
    return given or (f"{target}-{item.name}" if target else item.name)


def _via(item: Object, steps: Steps) -> str:
    if item.kind == "HelmRelease" and steps[:2] == ("spec", "values"):
        return "values"
    named = [step for step in steps if isinstance(step, str)]
    for field in ("valuesFrom", "substituteFrom", "envFrom", "volumes"):
        if field in named:
            return "volume" if field == "volumes" else field
    for field in reversed(named):
        if field in _VIA:
            return _VIA[field]
    if item.kind == "ServiceAccount":
        return "serviceAccount"
    return "secretRef"


# What is brought about.


def _itself(item: Object) -> Provision:
    keys: tuple[str, ...] | None
    if item.generated is not None:
        how, keys = "generated", item.generated.keys if item.generated.complete else None
    else:
        how = "sops" if isinstance(dig(item.data, "sops"), dict) else "plain"
        found = [dig(item.data, part) for part in ("data", "stringData", "binaryData")]
        keys = tuple(dict.fromkeys(key for part in found if isinstance(part, dict) for key in part))
    return _provision(item, item.kind, item.namespace, item.name, keys, how, ("metadata", "name"))


def _sealed(item: Object) -> Iterator[Provision]:
    template = dig(item.data, "spec", "template", "metadata")
    sealed, extra = dig(item.data, "spec", "encryptedData"), dig(item.data, "spec", "template", "data")
    keys = tuple(dict.fromkeys(key for part in (sealed, extra) if isinstance(part, dict) for key in part))
    namespace = text(template, "namespace") or item.namespace
    yield _provision(item, "Secret", namespace, item.name, keys, "sealed", ("metadata", "name"))


def _external(item: Object) -> Iterator[Provision]:
    target = dig(item.data, "spec", "target")
    name = text(target, "name")
    steps: Steps = ("spec", "target", "name") if name else ("metadata", "name")
    template, listed = dig(target, "template", "data"), maps(item.data, "spec", "data")
    keys = tuple(template) if isinstance(template, dict) else ()
    keys = keys or tuple(key for entry in listed if (key := text(entry, "secretKey")))
    known = bool(keys) and (bool(template) or not dig(item.data, "spec", "dataFrom"))
    yield _provision(
        item, "Secret", item.namespace, name or item.name, keys if known else None, "external", steps
    )


def _certificate(item: Object) -> Iterator[Provision]:
    name = text(item.data, "spec", "secretName")
    if name is not None:
        keys = ("tls.crt", "tls.key", "ca.crt")
        yield _provision(item, "Secret", item.namespace, name, keys, "certificate", ("spec", "secretName"))


def _postgres(item: Object) -> Iterator[Provision]:
    """CloudNativePG makes `NAME-app`, and `NAME-superuser` where it is asked to."""
    for role in ("app", "superuser", "ca", "server", "replication"):
        name = f"{item.name}-{role}"
        yield _provision(item, "Secret", item.namespace, name, None, "cluster", ("metadata", "name"))


_MAKERS = {
    (SEALED_GROUP, "SealedSecret"): _sealed,
    (EXTERNAL_GROUP, "ExternalSecret"): _external,
    ("cert-manager.io", "Certificate"): _certificate,
    ("postgresql.cnpg.io", "Cluster"): _postgres,
}
"""By group and kind: what brings Secrets about."""


def _provision(
    item: Object,
    kind: str,
    namespace: str | None,
    name: str,
    keys: tuple[str, ...] | None,
    how: str,
    steps: Steps,
) -> Provision:
    return Provision(kind, namespace, name, keys, how, steps, item.line_at(steps))
