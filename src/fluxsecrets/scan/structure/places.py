"""Values outside of Secrets whose key says that they are secrets; their place decides what to do about them.

There is one rule per place: Helm values, the environment of containers, ConfigMaps, and everything else. A
new place is one line in `PLACES`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from fluxsecrets.findings import Confidence, RuleInfo, Severity
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.scan.assignments import Assignment, Surroundings, assignments, is_secret
from fluxsecrets.scan.everyday import is_everyday, is_object_name, names_object
from fluxsecrets.scan.match import Match, Rank
from fluxsecrets.scan.names import NAME_KEYS, VALUE_KEYS, Telling, telling
from fluxsecrets.scan.othercipher import is_rsa_ciphertext
from fluxsecrets.scan.values import is_expression, looks_random, may_be_password, may_be_token
from fluxsecrets.shell import word

from .nested import inherited_name
from .page import GENERIC_HINT, Object, Page
from .reader import BLOCK, List, Map, Path, Scalar, Value, is_typed, show, text_of, walk

HELM = RuleInfo(
    id="helm-value",
    title="secret in Helm values",
    severity=Severity.HIGH,
    explanation=(
        "The values of a HelmRelease, or a values file, hold a password, token or key. Flux does not "
        "decrypt single values of a HelmRelease, and the release keeps them in the cluster, too."
    ),
    fix=(
        "`fluxsecrets extract FILE KEY` moves it to an encrypted Secret, and names that under `valuesFrom` "
        "of the HelmRelease."
    ),
    docs="scan.md#helm-value",
)
CONTAINER = RuleInfo(
    id="container-env",
    title="secret in a container's environment",
    severity=Severity.HIGH,
    explanation="An environment variable is named like a secret, and its value is in the manifest.",
    fix="Move it to a Secret, encrypt that, and refer to it with `valueFrom.secretKeyRef` or `envFrom`.",
    docs="scan.md#container-env",
)
CONFIG_MAP = RuleInfo(
    id="configmap-value",
    title="secret in a ConfigMap",
    severity=Severity.HIGH,
    explanation=(
        "A ConfigMap holds a password, token or key. Flux does not decrypt a ConfigMap that a "
        "generator makes, and everyone with access to the namespace may read ConfigMaps."
    ),
    fix="Put it into a Secret, encrypt that, and mount or refer to it in place of the ConfigMap.",
    docs="scan.md#configmap-value",
)
OTHER = RuleInfo(
    id="manifest-value",
    title="secret in a manifest",
    severity=Severity.HIGH,
    explanation="A key is named like a secret, and its value looks like one.",
    fix="Move it to a Secret, encrypt that, and refer to it; or encrypt the file, if its reader decrypts.",
    docs="scan.md#manifest-value",
)


# Text for people, and so are the examples in it.
_PROSE = frozenset(
    {"description", "summary", "message", "title", "help", "notes", "comment", "regex", "pattern"}
)
_LOOKED_UP = frozenset(
    {
        "secret",
        "include",
        "env",
        "env_var",
        "ref",
        "sub",
        "getatt",
        "importvalue",
        "reference",
        "file",
        "vault",
    }
)
"""Tags of values that are names: of Home Assistant, ESPHome, CloudFormation, GitLab."""

_ABOUT_OBJECTS = frozenset({"annotations", "labels", "matchLabels"})
_NOT_TEXT = frozenset({"encryptedData", "caBundle", "metadata"})


EXTRACTED = {
    HELM.id: frozenset({"HelmRelease"}),
    CONTAINER.id: frozenset(
        {
            "Pod",
            "Deployment",
            "StatefulSet",
            "DaemonSet",
            "ReplicaSet",
            "ReplicationController",
            "Job",
            "CronJob",
            "PodTemplate",
        }
    ),
    CONFIG_MAP.id: frozenset({"ConfigMap"}),
}
"""The kinds of objects that `extract` takes values out of, by rule."""


class Place(NamedTuple):
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
    """The telling values of an object that is not a Secret."""
    if owner.is_secret:
        return
    for found in _telling_values(page, owner):
        place = next(each for each in PLACES if each.holds(page, owner, found.value.path))
        yield _match(page, owner, found, place)


def _match(page: Page, owner: Object, found: _Found, place: Place) -> Match:
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
        _hint(place, owner, found),
        name=name,
        parts=(*owner.parts, name),
        confidence=Confidence.HIGH if sure else Confidence.MEDIUM,
        allow_at=lines,
        value=found.value.scalar.text if found.inner is None else found.inner.value,
    )


def _hint(place: Place, owner: Object, found: _Found) -> str:
    """What to do about a value; the command for it, if there is one."""
    path = found.value.path
    if owner.kind not in EXTRACTED.get(place.rule.id, ()) or found.inner is not None or "binaryData" in path:
        return place.hint
    key = show(path)
    wanted = "KEY" if set(key) & set("'\"\\") else word(key)
    return f"run `fluxsecrets extract FILE {wanted}`: it moves the value to an encrypted Secret"


def _span(page: Page, found: _Found) -> tuple[int, int, tuple[int, ...]]:
    """Where the value stands in the file; in a block of text the line in it, else the whole scalar."""
    scalar, key = found.value.scalar, found.value.key
    start, end = scalar.start, max(scalar.end, scalar.start + 1)
    lines = () if key is None or (key.line == scalar.line and scalar.style not in BLOCK) else (key.line,)
    if found.inner is None:
        return start, end, lines
    source = page.blob.text[start:end]
    at = source.find(found.inner.value)
    # Quotes with escapes spell the text differently: then the scalar's start has to do.
    if at < 0 or source.find(found.inner.value, at + 1) >= 0:
        return _after_name(source, found.inner, start, end, lines)
    return start + at, start + at + len(found.inner.value), lines


def _after_name(
    source: str, inner: Assignment, start: int, end: int, lines: tuple[int, ...]
) -> tuple[int, int, tuple[int, ...]]:
    """The value after its name, for a value that occurs more than once."""
    at = -1
    while (at := source.find(inner.name, at + 1)) >= 0:
        value = source.find(inner.value, at + len(inner.name))
        if 0 <= value - at - len(inner.name) < 12:
            return start + value, start + value + len(inner.value), lines
    return start, end, lines


class _Found:
    """A telling value: the scalar that holds it, and the part of it where it is in a text inside."""

    __slots__ = ("inner", "name", "value")

    def __init__(self, value: Value, name: str, inner: Assignment | None = None) -> None:
        self.value = value
        self.name = name
        self.inner = inner


def _telling_values(page: Page, owner: Object) -> Iterator[_Found]:
    """The values of an object that look like secrets by their keys, or by the names in their text."""
    if owner.kind in ("CustomResourceDefinition", "SealedSecret"):
        return
    for value in walk(owner.node, owner.prefix):
        scalar = value.scalar
        if value.path[:1] == ("sops",) or is_typed(scalar) or is_ciphertext(scalar.text):
            continue
        if "encrypted" in value.path and is_rsa_ciphertext(scalar.text):
            continue  # for Renovate's hosted app
        name = _name(value)
        if name and _says_secret(name, scalar) and not _is_harmless(page, value, name):
            yield _Found(value, name)
        elif _holds_spot(value, page.spots) and _may_hold_more(value):
            data = scalar.text.encode("utf-8", "surrogatepass")
            for inner in assignments(data, options=True):
                if is_secret(inner, Surroundings.CONFIGURATION):
                    yield _Found(value, inner.name, inner)


def _is_harmless(page: Page, value: Value, name: str) -> bool:
    """Whether a value is a name, a wording or a version, or a tag says that its reader looks it up."""
    text, tag = value.scalar.text, value.scalar.tag
    if names_object(name, text) or is_everyday(page.blob.path, text):
        return True
    if tag is not None and tag.lstrip("!").lower() in _LOOKED_UP and not looks_random(text):
        return True
    return not _ABOUT_OBJECTS.isdisjoint(map(str, value.path)) and is_object_name(text)


def _holds_spot(value: Value, spots: Sequence[int]) -> bool:
    at = bisect_left(spots, value.scalar.start)
    return at < len(spots) and spots[at] < value.scalar.end


def _says_secret(name: str, scalar: Scalar) -> bool:
    """Whether a value under a name is a secret."""
    says = telling(name)
    if says is Telling.NOTHING or ("\n" in scalar.text.strip() and not scalar.text.startswith("-----BEGIN")):
        return False
    text = scalar.text
    if says is Telling.SURELY:
        return may_be_password(text) and not (not scalar.style and is_expression(text) and "(" in text)
    return may_be_token(text)


def _name(value: Value) -> str:
    """What a value is called: its key, or in a pair of `name` and `value` the other's text."""
    if value.key is None:
        return inherited_name(value)
    if value.scalar is value.key:
        return ""
    key = value.key.text
    if key == "secretKey" and "remoteRef" in _keys(value.holder):
        return ""  # of External Secrets: the name of a key, not its value
    if key in VALUE_KEYS and type(value.holder) is Map:
        for other in NAME_KEYS:
            name = text_of(value.holder.get(other))
            if name:
                return name
    return key if telling(key) is not Telling.NOTHING else inherited_name(value) or key


def _keys(holder: Map | List | None) -> set[str]:
    return {name.text for name, _ in holder.pairs if type(name) is Scalar} if type(holder) is Map else set()


def _may_hold_more(value: Value) -> bool:
    """Whether a text is worth a look inside: many lines, or a command's arguments."""
    scalar = value.scalar
    if value.name in _PROSE or _NOT_TEXT.intersection(step for step in value.path if isinstance(step, str)):
        return False
    text = scalar.text
    return len(text) > 8 and (
        scalar.style in BLOCK or "\n" in text or "=" in text or " --" in text or text.startswith(("{", "--"))
    )
