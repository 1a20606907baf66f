"""Which version of Flux a cluster has, and what says so.

In this order: `--flux-version`; `flux_version` of the environment in `.fluxsecrets.yaml`, then the one for
all environments; the image of kustomize-controller; the FluxInstance, or the values of its chart; the labels
of gotk-components.yaml; the OCI artifact or the release that Flux is installed from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import SETTINGS_NAME, is_kustomization
from fluxsecrets.repo.flux import HELM_GROUP, OPERATOR_GROUP, SOURCE_GROUP, Sync
from fluxsecrets.repo.graph import Graph
from fluxsecrets.repo.manifests import Steps, dig, maps, text
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.settings import Settings
from fluxsecrets.repo.tree import Tree

from .since import NEWEST, is_newer

CONTROLLER = "kustomize-controller"

_IMAGE = re.compile(rf"{CONTROLLER}:v?(\d+)\.(\d+)\.")
_VERSION = re.compile(r"[=v]*(\d+)\.(\d+)(?:\.\d+.*)?")
_PART_OF = "app.kubernetes.io/part-of"
_DEFAULT_OF_CHART = "2.x"
"""What the chart flux-instance has in its values.yaml; a FluxInstance itself must name a version."""

_INSTALLED = re.compile(
    rb"fluxcd/flux2/(?:/?manifests/install[^\s\"']*[?&]ref=|releases/download/)v(\d+\.\d+(?:\.\d+)?)"
)
"""What a kustomization file lists to install Flux without a copy of its manifests."""


@dataclass(frozen=True, slots=True)
class Release:
    """A version of Flux, and what says so.

    Attributes:
        version: such as `2.9.1`, or a range such as `2.x`.
        by: what says so, for people.
        file, line: where; None for an option.
    """

    version: str
    by: str
    file: str | None = None
    line: int | None = None


def release_text(release: Release | None, show_path: Callable[[str], str]) -> str:
    """Return a sentence such as `Flux 2.8, from flux_version (.fluxsecrets.yaml:3)`."""
    if release is None:
        assumed = f"nothing says which version of Flux it has, so 2.{NEWEST} is assumed"
        return f"{assumed}; flux_version in .fluxsecrets.yaml sets it"
    place = "" if release.file is None else f" ({show_path(release.file)}:{release.line})"
    newer = f"; what changed after 2.{NEWEST} is not known here" if is_newer(release.version) else ""
    return f"Flux {release.version}, from {release.by}{place}{newer}"


def find_release(graph: Graph, environment: str, settings: Settings, option: str | None) -> Release | None:
    """Return which version of Flux an environment's cluster has; None where nothing says it.

    Args:
        graph: of the environment.
        environment: its name.
        settings: of the repository.
        option: what `--flux-version` says, or None.
    """
    given = given_release(environment, settings, option)
    if given is not None:
        return given
    found = release_of(item for _, item in graph.objects)
    return found or _release_of_sync(graph.sync) or _installed(graph.tree, graph.files)


def given_release(environment: str, settings: Settings, option: str | None) -> Release | None:
    """Return the version that the user gives, or None."""
    if option is not None:
        return Release(option, "--flux-version")
    own = settings.environment(environment)
    for given in (own.flux_version if own is not None else None, settings.flux_version):
        if given is not None:
            return Release(given.text, "flux_version", SETTINGS_NAME, given.line)
    return None


def release_of(objects: Iterable[Object]) -> Release | None:
    """Return the version that the objects of an environment show, by what says it most directly."""
    found = [item for item in objects if may_tell(item)]
    return next((each for read in (_of_image, _of_instance, _of_parts) for each in read(found)), None)


def may_tell(item: Object) -> bool:
    """Return whether an object may show a version of Flux; most don't, so they are looked at once."""
    return (
        is_controller(item)
        or item.group == SOURCE_GROUP
        or dig(item.data, "metadata", "labels", _PART_OF) == "flux"
        or instance_of(item)[0] is not None
    )


def instance_of(item: Object) -> tuple[object, Steps]:
    """Return `spec` of a FluxInstance, even if it is in the values of its chart, and where; or None."""
    if item.group == OPERATOR_GROUP and item.kind == "FluxInstance":
        return dig(item.data, "spec"), ("spec",)
    steps = ("spec", "values", "instance")
    return (dig(item.data, *steps), steps) if item.group == HELM_GROUP else (None, ())


def is_controller(item: Object) -> bool:
    """Whether an object is the Deployment of kustomize-controller."""
    return item.kind == "Deployment" and item.name == CONTROLLER


def _of_image(objects: Iterable[Object]) -> Iterator[Release]:
    steps = ("spec", "template", "spec", "containers")
    for item in filter(is_controller, objects):
        for number, container in enumerate(maps(item.data, *steps)):
            match = _IMAGE.search(text(container, "image") or "")
            if match is not None:
                # Before Flux 2, both were at 0.
                version = f"{int(match[1]) + 1 if match[1] != '0' else 0}.{match[2]}"
                line = item.line_at((*steps, number, "image"))
                yield Release(version, f"the image of {CONTROLLER}", item.file, line)


def _of_instance(objects: Iterable[Object]) -> Iterator[Release]:
    for item in objects:
        spec, steps = instance_of(item)
        version = text(spec, "distribution", "version")
        by = f"the {item.kind} {item.name!a}"
        if version is not None:
            line = item.line_at((*steps, "distribution", "version"))
            yield Release(version, by, item.file, line)
        elif item.kind == "HelmRelease" and dig(spec, "sync") is not None:
            yield Release(_DEFAULT_OF_CHART, f"{by}, whose chart has it", item.file, item.line_at(steps))


def _of_parts(objects: Iterable[Object]) -> Iterator[Release]:
    for item in objects:
        if item.labels.get(_PART_OF) == "flux":
            label = "app.kubernetes.io/version"
            version = item.labels.get(label, "")
            if _VERSION.fullmatch(version):
                line = item.line_at(("metadata", "labels", label))
                by = f"the labels of the {item.kind} {item.name!a}"
                yield Release(version.removeprefix("v"), by, item.file, line)
        if item.group == SOURCE_GROUP and "/flux-manifests" in (text(item.data, "spec", "url") or ""):
            yield from _of_reference(item)


def _of_reference(item: Object) -> Iterator[Release]:
    for key in ("tag", "semver"):
        version = text(item.data, "spec", "ref", key)
        if version is not None:
            line = item.line_at(("spec", "ref", key))
            yield Release(version.removeprefix("v"), f"the {item.kind} {item.name!a}", item.file, line)


def _release_of_sync(sync: Sync | None) -> Release | None:
    """The version of a FluxInstance that is outside of what Flux applies."""
    if sync is None:
        return None
    return Release(sync.version or _DEFAULT_OF_CHART, "the FluxInstance", sync.file, sync.line)


def _installed(tree: Tree, files: Iterable[str]) -> Release | None:
    for path in sorted(filter(is_kustomization, files)):
        try:
            data = tree.read(path)
        except FluxsecretsError:  # the build reports it
            continue
        match = _INSTALLED.search(data)
        if match is not None:
            line = data.count(b"\n", 0, match.start()) + 1
            return Release(match[1].decode(), "the release that is installed", path, line)
    return None
