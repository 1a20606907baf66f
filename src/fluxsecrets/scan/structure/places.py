"""Where a telling value stands decides what it is called, and what to do about it.

One rule a place: HelmRelease and Helm values, the environment of containers, ConfigMaps, literals of
kustomize, and whatever else. Adding a place is one line in the table at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fluxsecrets.findings import Confidence, RuleInfo, Severity
from fluxsecrets.scan.assignments import Assignment
from fluxsecrets.scan.match import Match, Rank
from fluxsecrets.scan.names import Telling, telling

from .page import GENERIC_HINT, Object, Page
from .reader import BLOCK, Path, show
from .telling import Found, telling_values

HELM = RuleInfo(
    id="helm-value",
    title="secret in Helm values",
    severity=Severity.HIGH,
    explanation=(
        "A password, token or key stands in the values of a HelmRelease or in a values file. Flux does not "
        "decrypt single values of a HelmRelease, and the release keeps them in the cluster, too."
    ),
    fix="Move it to a Secret, encrypt that, and name it under `valuesFrom` of the HelmRelease.",
    docs="scan.md#helm-value",
)
CONTAINER = RuleInfo(
    id="container-env",
    title="secret in a container's environment",
    severity=Severity.HIGH,
    explanation="An environment variable with a telling name has its value in the manifest.",
    fix="Move it to a Secret, encrypt that, and refer to it with `valueFrom.secretKeyRef` or `envFrom`.",
    docs="scan.md#container-env",
)
CONFIG_MAP = RuleInfo(
    id="configmap-value",
    title="secret in a ConfigMap",
    severity=Severity.HIGH,
    explanation=(
        "A ConfigMap holds a password, token or key. Flux decrypts no ConfigMap that a generator makes, and "
        "everybody who may look into the namespace may read ConfigMaps."
    ),
    fix="Put it into a Secret, encrypt that, and mount or refer to it in place of the ConfigMap.",
    docs="scan.md#configmap-value",
)
OTHER = RuleInfo(
    id="manifest-value",
    title="secret in a manifest",
    severity=Severity.HIGH,
    explanation="A key that is called like a secret has a value that looks like one.",
    fix="Move it to a Secret, encrypt that, and refer to it; or encrypt the file, if its reader decrypts.",
    docs="scan.md#manifest-value",
)


@dataclass(frozen=True, slots=True)
class Place:
    """A rule, where it holds, and what to do there."""

    rule: RuleInfo
    holds: Callable[[Page, Object, Path], bool]
    hint: str


def _helm(page: Page, owner: Object, path: Path) -> bool:
    if owner.kind in ("HelmRelease", "HelmChartProxy"):
        return "values" in path or "valuesTemplate" in path
    if owner.is_object:
        return False
    name = page.blob.path.rpartition("/")[2].lower()
    return "values" in name


def _container(_page: Page, _owner: Object, path: Path) -> bool:
    return any(step in ("env", "containers", "initContainers") for step in path)


def _config_map(_page: Page, owner: Object, path: Path) -> bool:
    return owner.kind == "ConfigMap" and ("data" in path or "binaryData" in path)


PLACES = (
    Place(HELM, _helm, "move it to a Secret, encrypt that, and name it under `valuesFrom`"),
    Place(CONTAINER, _container, "move it to a Secret, encrypt that, and use `valueFrom.secretKeyRef`"),
    Place(CONFIG_MAP, _config_map, "move it to a Secret, and encrypt that"),
    Place(OTHER, lambda _page, _owner, _path: True, GENERIC_HINT),
)


def judge(page: Page, owner: Object) -> Iterator[Match]:
    """The telling values of an object that is no Secret."""
    if owner.is_secret:
        return
    for found in telling_values(owner, page.spots):
        place = next(each for each in PLACES if each.holds(page, owner, found.value.path))
        yield _match(page, owner, found, place)


def _match(page: Page, owner: Object, found: Found, place: Place) -> Match:
    name = show(found.value.path)
    if found.inner is not None or found.name != found.value.name:
        name = f"{name} ({found.name})"
    where = f"{owner.label}: " if owner.is_object else ""
    sure = telling(found.name) is Telling.SURELY
    start, end, lines = _span(page, found)
    return Match(
        place.rule,
        Rank.PLACE,
        start,
        end,
        f"{where}{name} is in plain text",
        place.hint,
        name=name,
        parts=(*owner.parts, name),
        confidence=Confidence.HIGH if sure else Confidence.MEDIUM,
        allow_at=lines,
    )


def _span(page: Page, found: Found) -> tuple[int, int, tuple[int, ...]]:
    """Where the value stands in the file; in a block of text the line in it, else the whole scalar."""
    scalar, key = found.value.scalar, found.value.key
    start, end = scalar.start, max(scalar.end, scalar.start + 1)
    lines = () if key is None or (key.line == scalar.line and scalar.style not in BLOCK) else (key.line,)
    if found.inner is None:
        return start, end, lines
    source = page.blob.text[start:end]
    at = source.find(found.inner.value)
    # Text is written otherwise than it reads in quotes with escapes: the scalar's start then has to do.
    if at < 0 or source.find(found.inner.value, at + 1) >= 0:
        return _after_name(source, found.inner, start, end, lines)
    return start + at, start + at + len(found.inner.value), lines


def _after_name(
    source: str, inner: Assignment, start: int, end: int, lines: tuple[int, ...]
) -> tuple[int, int, tuple[int, ...]]:
    """The value behind its name, where the value alone stands there more than once."""
    at = -1
    while (at := source.find(inner.name, at + 1)) >= 0:
        value = source.find(inner.value, at + len(inner.name))
        if 0 <= value - at - len(inner.name) < 12:
            return start + value, start + value + len(inner.value), lines
    return start, end, lines
