"""What the Deployments of Flux's controllers say: their versions and arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from fluxsecrets.flux.release import CONTROLLER
from fluxsecrets.flux.versions import GLOBAL_KEY, Controller, read_controller
from fluxsecrets.repo.manifests import maps, texts
from fluxsecrets.repo.objects import Object

from .model import LiveObject, Name


def controllers(deployments: Iterable[LiveObject]) -> Iterator[LiveObject]:
    """Return the Deployments of kustomize-controller; shards of it have names of their own."""
    return (each for each in deployments if each.name.startswith(CONTROLLER))


def live_controller(deployment: LiveObject) -> Controller:
    """Return what a Deployment says of kustomize-controller, as it would be read in a repository."""
    item = Object("apps/v1", "Deployment", CONTROLLER, deployment.namespace, "", 0, deployment.data)
    return read_controller([item])


def global_secrets(deployments: Iterable[LiveObject]) -> tuple[Name, ...]:
    """Return the Secrets with age keys for Kustomizations that name none, of each controller."""
    flag = re.compile(rf"{GLOBAL_KEY}(?:=|\s+)(\S+)")
    return tuple(
        (each.namespace, match[1])
        for each in controllers(deployments)
        for container in maps(each.data, "spec", "template", "spec", "containers")
        for match in flag.finditer(" ".join(texts(container, "args")))
    )
