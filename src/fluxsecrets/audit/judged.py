"""What becomes of each Kustomization of an environment: the facts handed to `flux`."""

from __future__ import annotations

import re
from functools import partial

from fluxsecrets.errors import FluxsecretsError, IntegrityError
from fluxsecrets.external.validity import check as check_external
from fluxsecrets.flux.judge import judge
from fluxsecrets.flux.keygroups import opens
from fluxsecrets.flux.model import Cluster, KustomizationVerdict
from fluxsecrets.flux.shared import Shared
from fluxsecrets.flux.versions import Controller
from fluxsecrets.flux.versions import controller_of as controller_in
from fluxsecrets.marks import SETTINGS_NAME
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sealed.validity import check as check_sealed
from fluxsecrets.sops.cipher import DataKey
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import age

from .beside import appliers
from .facts import Facts, secrets_by_path
from .people import keys_of_clusters


def judged(facts: Facts, environment: Environment) -> tuple[KustomizationVerdict, ...]:
    """The verdicts of an environment's Kustomizations, made once."""

    def make() -> tuple[KustomizationVerdict, ...]:
        keys = keys_of_clusters(facts).get(environment.name, frozenset())
        settings = facts.settings.environment(environment.name)
        cluster = Cluster(
            partial(_data_key, facts),
            lambda metadata: opens(metadata, keys) if keys else None,
            controller=controller_of(facts, environment),
            present=settings.in_cluster if settings is not None else (),
            mentions=partial(_mentions, facts),
            changed=partial(_changed, facts),
            others=() if environment.graph.kustomizations else appliers(facts),
            keys=tuple(age(text) for kind, text in sorted(keys) if kind == "age"),
        )
        shared = facts.once("shared by verdicts", lambda: Shared((check_sealed, check_external)))
        return judge(environment.graph.tree, environment.graph, cluster, shared)

    return facts.once(f"judged in {environment.name}", make)


def controller_of(facts: Facts, environment: Environment) -> Controller:
    """What is known of an environment's kustomize-controller."""
    return facts.once(
        f"controller of {environment.name}",
        lambda: controller_in(environment, facts.settings, facts.flux_version),
    )


def _data_key(facts: Facts, metadata: Metadata) -> DataKey | None:
    """The data key of a block, opened once for all environments that share the file."""
    opened: dict[tuple[object, ...], DataKey | None] = facts.once("data keys", dict)
    wrapped = (metadata.shamir_threshold, *((key.recipient, key.enc) for key in metadata.wrapped_keys))
    if wrapped not in opened:
        opened[wrapped] = facts.read.data_key(metadata)
    return opened[wrapped]


def _changed(facts: Facts, path: str) -> str | None:
    """Why the MAC of a file does not fit, or None."""
    secret = secrets_by_path(facts).get(path)
    error = secret.error if secret is not None else None
    is_mac = isinstance(error, IntegrityError) and error.message.startswith("the MAC ")
    return error.message if error is not None and is_mac else None


def _mentions(facts: Facts, name: str) -> str | None:
    """The first file that no environment applies and that names something; looked for once per name."""
    return facts.once(f"mentions of {name}", lambda: _first_mention(facts, name))


def _first_mention(facts: Facts, name: str) -> str | None:
    pattern = re.compile(rb"(?<![A-Za-z0-9.-])" + re.escape(name.encode()) + rb"(?![A-Za-z0-9-])")
    for path in facts.tree.paths:
        if path == SETTINGS_NAME or path in _applied(facts) or not _is_found(facts.tree, path, pattern):
            continue
        if path not in _applied(facts.whole):
            return path
    return None


def _applied(facts: Facts) -> frozenset[str]:
    """The files that environments apply."""
    return facts.once(
        "applied in any environment",
        lambda: frozenset().union(*(each.graph.files for each in facts.environments)),
    )


def _is_found(tree: Tree, path: str, pattern: re.Pattern[bytes]) -> bool:
    try:
        return tree.search(path, pattern)
    except FluxsecretsError:  # too large, or unreadable
        return False
