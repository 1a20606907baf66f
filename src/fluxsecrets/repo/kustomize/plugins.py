"""`generators`, `transformers` and `validators`: Flux runs kustomize's own plug-ins only.

Follows `loadAndConfigurePlugin` in kustomize's api/internal/plugins/loader, with the options of fluxcd/pkg.
"""

from __future__ import annotations

from collections.abc import Callable

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.manifests import dig
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats.either import load_either

from .kustomizationfile import Plugin
from .resourcefile import ResourceFile


def plugin_outcome(
    tree: Tree, read: Callable[[str], ResourceFile], file: str, plugin: Plugin
) -> Outcome | None:
    """What an entry leads to: failure for another's plug-in, and nothing that is known for kustomize's own.

    Args:
        tree: the files that reach Flux.
        read: reads a manifest file.
        file: the kustomization file.
        plugin: the entry.
    """
    foreign = _foreign(tree, read, plugin)
    if foreign is not None:
        reason = f"external plugins disabled; unable to load external plugin '{foreign}'"
        return Outcome(Effect.FAILS, "external-plugin", reason, file, plugin.line)
    if plugin.path is not None and tree.locate(plugin.path.path) is None:
        return None  # reported as missing
    reason = f"`{plugin.field}` is not analysed: what it changes is not known"
    return Outcome(Effect.UNKNOWN, "not-modelled", reason, file, plugin.line)


def _foreign(tree: Tree, read: Callable[[str], ResourceFile], plugin: Plugin) -> str | None:
    """The kind of a configuration that is not of a built-in plug-in."""
    configured: list[tuple[object, object]] = []
    if plugin.inline is not None:
        try:
            documents = [to_data(node) for node in load_either(plugin.inline.encode(), tree.limits)]
        except FluxsecretsError:
            return None
        configured = [(dig(each, "apiVersion"), dig(each, "kind")) for each in documents if each is not None]
    elif plugin.path is not None:
        place = tree.locate(plugin.path.path)
        if place is not None and place in tree.files:
            configured = [(item.api_version, item.kind) for item in read(place).objects]
    return next((str(kind) for version, kind in configured if version != "builtin"), None)
