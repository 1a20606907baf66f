"""Which version of Flux a cluster has, and whether its kustomize-controller is strict about variables.

`StrictPostBuildSubstitutions` is a feature gate of kustomize-controller since 1.3, on by default since 1.9
(internal/features/features.go). It decrypts the files of `patches` since 1.5 (CHANGELOG.md). Flux 2.N has
kustomize-controller 1.N.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fluxsecrets.repo.flux import HELM_GROUP, KUSTOMIZE_GROUP, OPERATOR_GROUP, SOURCE_GROUP
from fluxsecrets.repo.manifests import dig, maps, text, texts
from fluxsecrets.repo.objects import Object

CONTROLLER: Final = "kustomize-controller"
GATE: Final = "StrictPostBuildSubstitutions"
GLOBAL_KEY: Final = "--sops-age-secret"

_STRICT_SINCE = (2, 9)
_PATCHES_SINCE = (2, 5)
_IMAGE = re.compile(rf"{CONTROLLER}:v?(\d+)\.(\d+)\.")
_VERSION = re.compile(r"[=v]*(\d+)\.(\d+)(?:\.\d+.*)?")
_MINOR = re.compile(r"[~=v]*(\d+)\.(\d+)(?:\.(?:\d+|[xX*]))?")
_BELOW = re.compile(r"<(=?)\s*v?(\d+)\.(\d+)(?:\.(\d+))?")
_GATES = re.compile(r"--feature-gates[=\s]+[\"']?([A-Za-z0-9=,_]+)")
_SWITCH = re.compile(r"(\w+)=(\w+)")
_KEEPS_NAMESPACES = re.compile(r"--no-cross-namespace-refs(?:=(\w+))?")
_ON = frozenset({"1", "t", "T", "TRUE", "true", "True"})


@dataclass(frozen=True, slots=True)
class Controller:
    """What is known of a cluster's kustomize-controller.

    Attributes:
        version: of Flux, as the repository has it, such as `2.9.1` or `2.x`; None where it does not say it.
        strict: whether a variable without a value stops a Kustomization.
        has_global_key: it has a key for all Kustomizations.
        keeps_namespaces: it refuses sources in other namespaces.
        gates: its feature gates that are on; None where its arguments are not in the repository.
    """

    version: str | None = None
    strict: bool = True
    has_global_key: bool = False
    keeps_namespaces: bool = False
    gates: frozenset[str] | None = None


def read_controller(objects: Iterable[Object], version: str | None = None) -> Controller:
    """Read what objects say of the controller.

    Args:
        objects: all that Flux applies in an environment.
        version: of Flux, if it is known otherwise; it counts more.
    """
    found = list(objects)
    version = version or next(iter(_versions(found)), None)
    arguments = [each for item in found for each in _arguments(item)]
    gates = {
        switch[1]: switch[2] in _ON
        for argument in arguments
        for gates in _GATES.finditer(argument)
        for switch in _SWITCH.finditer(gates[1])
    }
    return Controller(
        version,
        gates.get(GATE, is_strict(version)),
        has_global_key=any(GLOBAL_KEY in argument for argument in arguments),
        keeps_namespaces=any(map(_keeps_namespaces, arguments)) or any(map(_is_multitenant, found)),
        gates=frozenset(name for name, on in gates.items() if on)
        if any(map(_is_controller, found))
        else None,
    )


def _keeps_namespaces(argument: str) -> bool:
    match = _KEEPS_NAMESPACES.search(argument)
    return match is not None and (match[1] is None or match[1] in _ON)


def _is_multitenant(item: Object) -> bool:
    return dig(_instance(item), "cluster", "multitenant") is True


def _is_controller(item: Object) -> bool:
    return item.kind == "Deployment" and item.name == CONTROLLER


def is_strict(version: str | None) -> bool:
    """Whether a version of Flux, or the newest of a range such as `2.x`, is strict; True if unknown."""
    return _is_from(version, _STRICT_SINCE)


def decrypts_patches(version: str | None) -> bool:
    """Whether a version of Flux, likewise, decrypts the files of `patches`; True if unknown."""
    return _is_from(version, _PATCHES_SINCE)


def _is_from(version: str | None, since: tuple[int, int]) -> bool:
    if version is None:
        return True
    below = _BELOW.search(version)
    if below is not None:
        minor = (int(below[2]), int(below[3]))
        return minor > since or (minor == since and (bool(below[1]) or below[4] not in (None, "0")))
    exact = _MINOR.fullmatch(version.strip())
    return exact is None or (int(exact[1]), int(exact[2])) >= since


def _versions(objects: list[Object]) -> Iterator[str]:
    """Versions of Flux, those that say it most directly first."""
    for item in objects:
        if item.kind == "Deployment" and item.name == CONTROLLER:
            for image in _images(item):
                match = _IMAGE.search(image)
                if match is not None:
                    # Before Flux 2, both were at 0.
                    yield f"{int(match[1]) + 1 if match[1] != '0' else 0}.{match[2]}"
    for item in objects:
        version = text(_instance(item), "distribution", "version")
        if version is not None:
            yield version
    for item in objects:
        if item.labels.get("app.kubernetes.io/part-of") == "flux":
            version = item.labels.get("app.kubernetes.io/version", "")
            if _VERSION.fullmatch(version):
                yield version.removeprefix("v")
        if item.group == SOURCE_GROUP and "/flux-manifests" in (text(item.data, "spec", "url") or ""):
            ref = dig(item.data, "spec", "ref")
            version = text(ref, "tag") or text(ref, "semver")
            if version is not None:
                yield version.removeprefix("v")


def _images(item: Object) -> Iterator[str]:
    for container in maps(item.data, "spec", "template", "spec", "containers"):
        image = text(container, "image")
        if image is not None:
            yield image


def _arguments(item: Object) -> Iterator[str]:
    """Arguments of the controller, and patches that may add some to it."""
    if _is_controller(item):
        for container in maps(item.data, "spec", "template", "spec", "containers"):
            yield from texts(container, "args")
    patches = maps(_instance(item), "kustomize", "patches")
    if item.group == KUSTOMIZE_GROUP:
        patches += maps(item.data, "spec", "patches")
    for patch in patches:
        content = text(patch, "patch") or ""
        name = text(patch, "target", "name")
        if _reaches(name) if name is not None else CONTROLLER in content:
            yield content


def _reaches(name: str) -> bool:
    """Whether a patch for such a name reaches the controller; kustomize takes it for a pattern."""
    try:
        return re.fullmatch(name, CONTROLLER) is not None
    except re.error:
        return False


def _instance(item: Object) -> object:
    """`spec` of a FluxInstance, even if it is in the values of its chart."""
    if item.group == OPERATOR_GROUP and item.kind == "FluxInstance":
        return dig(item.data, "spec")
    return dig(item.data, "spec", "values", "instance") if item.group == HELM_GROUP else None
