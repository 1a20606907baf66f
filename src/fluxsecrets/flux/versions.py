"""What is known of a cluster's kustomize-controller: its version, its flags and its feature gates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.flux import KUSTOMIZE_GROUP
from fluxsecrets.repo.manifests import dig, maps, text, texts
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.settings import Settings

from .release import CONTROLLER, Release, find_release, instance_of, is_controller, may_tell, release_of
from .since import DEFAULT_ACCOUNT, STRICT, STRICT_GATE, has

GATE: Final = "StrictPostBuildSubstitutions"
WORKLOAD_IDENTITY_GATE: Final = "ObjectLevelWorkloadIdentity"
GLOBAL_KEY: Final = "--sops-age-secret"

_GATES = re.compile(r"--feature-gates[=\s]+[\"']?([A-Za-z0-9=,_]+)")
_SWITCH = re.compile(r"(\w+)=(\w+)")
_KEEPS_NAMESPACES = re.compile(r"--no-cross-namespace-refs(?:=(\w+))?")
_SECRET = re.compile(rf"{GLOBAL_KEY}[=\s]+[\"']?([a-z0-9][a-z0-9.-]*)")
_ACCOUNT = re.compile(r"--default-decryption-service-account[=\s]+[\"']?([a-z0-9][a-z0-9.-]*)")
_ON = frozenset({"1", "t", "T", "TRUE", "true", "True"})


@dataclass(frozen=True, slots=True)
class GlobalKey:
    """The Secret that `--sops-age-secret` names.

    Attributes:
        name: of the Secret, or "" where only the cluster knows it.
        namespace: the controller's own; None where it is not known.
        file, line: the object with the flag.
    """

    name: str
    namespace: str | None
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Controller:
    """What is known of a cluster's kustomize-controller.

    Attributes:
        release: which version of Flux it is of, and what says so; None where nothing does.
        strict: whether a variable without a value stops a Kustomization.
        global_key: what has keys for Kustomizations without a `secretRef`, or None.
        keeps_namespaces: it refuses sources in other namespaces.
        gates: its feature gates that are on; None where its arguments are not in the repository.
        account: the service account that it decrypts with for Kustomizations that name none, or None.
    """

    release: Release | None = None
    strict: bool = True
    global_key: GlobalKey | None = None
    keeps_namespaces: bool = False
    gates: frozenset[str] | None = None
    account: str | None = None

    @property
    def version(self) -> str | None:
        """The version of Flux, such as `2.9.1` or `2.x`."""
        return self.release.version if self.release is not None else None


def controller_of(environment: Environment, settings: Settings, option: str | None) -> Controller:
    """Return what is known of an environment's controller.

    Args:
        environment: it.
        settings: of the repository.
        option: what `--flux-version` says, or None.
    """
    release = find_release(environment.graph, environment.name, settings, option)
    return read_controller((item for _, item in environment.graph.objects), release)


def read_controller(objects: Iterable[Object], release: Release | None = None) -> Controller:
    """Read what objects say of the controller.

    Args:
        objects: all that Flux applies in an environment.
        release: the version of Flux, if it is known otherwise; it counts more.
    """
    # Arguments stand in the controller, in an instance, and in patches of Kustomizations.
    found = [item for item in objects if item.group == KUSTOMIZE_GROUP or may_tell(item)]
    release = release or release_of(found)
    version = release.version if release is not None else None
    arguments = [(item, each) for item in found for each in _arguments(item)]
    gates = {name: on for item in found for name, on in _gates_of_instance(item)}
    gates |= {
        switch[1]: switch[2] in _ON
        for _, argument in arguments
        for each in _GATES.finditer(argument)
        for switch in _SWITCH.finditer(each[1])
    }
    shows_arguments = any(is_controller(item) or instance_of(item)[0] is not None for item in found)
    strict = gates.get(GATE, has(version, STRICT)) if has(version, STRICT_GATE) else False
    return Controller(
        release,
        strict,
        global_key=next((_global_key(*each) for each in arguments if GLOBAL_KEY in each[1]), None),
        keeps_namespaces=any(_keeps_namespaces(each) for _, each in arguments)
        or any(map(_is_multitenant, found)),
        gates=frozenset(name for name, on in gates.items() if on) if shows_arguments else None,
        account=_account(found, arguments) if has(version, DEFAULT_ACCOUNT) else None,
    )


def _global_key(item: Object, argument: str) -> GlobalKey:
    match = _SECRET.search(argument)
    return GlobalKey(match[1] if match is not None else "", item.namespace, item.file, item.line)


def _account(objects: Iterable[Object], arguments: Iterable[tuple[Object, str]]) -> str | None:
    """By the flag, or by what flux-operator sets it to (internal/builder/profiles.go)."""
    for _, argument in arguments:
        match = _ACCOUNT.search(argument)
        if match is not None:
            return match[1]
    for item in objects:
        cluster = dig(instance_of(item)[0], "cluster")
        if dig(cluster, "multitenantWorkloadIdentity") is True:
            return text(cluster, "tenantDefaultDecryptionServiceAccount") or "default"
    return None


def _keeps_namespaces(argument: str) -> bool:
    match = _KEEPS_NAMESPACES.search(argument)
    return match is not None and (match[1] is None or match[1] in _ON)


def _is_multitenant(item: Object) -> bool:
    return dig(instance_of(item)[0], "cluster", "multitenant") is True


def _gates_of_instance(item: Object) -> Iterator[tuple[str, bool]]:
    """Gates that flux-operator sets by itself (internal/builder/profiles.go and components.go)."""
    spec, _ = instance_of(item)
    if dig(spec, "cluster", "objectLevelWorkloadIdentity") is True:
        yield WORKLOAD_IDENTITY_GATE, True
    components = dig(spec, "components")
    if isinstance(components, list) and "source-watcher" in components:
        yield "ExternalArtifact", True


def _arguments(item: Object) -> Iterator[str]:
    """Arguments of the controller, and patches that may add some to it."""
    if is_controller(item):
        for container in maps(item.data, "spec", "template", "spec", "containers"):
            yield from texts(container, "args")
    patches = maps(instance_of(item)[0], "kustomize", "patches")
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
