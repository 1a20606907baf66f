"""What becomes of a Secret in the cluster while another kind of object takes it over.

Flux deletes objects that are no longer in the repository, except those with its annotation (`prune` in
kustomize-controller). Kubernetes deletes a Secret with the SealedSecret or ExternalSecret that owns it. The
controller of Sealed Secrets takes over a Secret only if an annotation allows it (`isAnnotatedToBeManaged`).
"""

from __future__ import annotations

from fluxsecrets.ops.run.results import Handover
from fluxsecrets.repo.manifests import child, text_of
from fluxsecrets.repo.secretobject import FLUX_ANNOTATIONS
from fluxsecrets.sealed.scopes import PREFIX
from fluxsecrets.sops.document import Mapping

from .forms import Form

_KINDS = {
    Form.SOPS: "Secret",
    Form.PLAIN: "Secret",
    Form.SEALED: "SealedSecret",
    Form.EXTERNAL: "ExternalSecret",
}
_PRUNE = f"{FLUX_ANNOTATIONS}prune"
_MANAGED = f"{PREFIX}managed"


def handover_of(part: Mapping, form: Form, to: Form) -> Handover | None:
    """Return the object that another kind of object replaces, or None if it stays a Secret."""
    kind = _KINDS[form]
    if kind == _KINDS[to]:
        return None

    def annotation(name: str) -> str | None:
        return text_of(child(part, "metadata", "annotations", name))

    stays = (
        annotation(_PRUNE) == "disabled" or text_of(child(part, "metadata", "labels", _PRUNE)) == "disabled"
    )
    allowed = to is not Form.SEALED or kind != "Secret" or annotation(_MANAGED) == "true"
    return Handover(
        kind,
        text_of(child(part, "metadata", "namespace")) or "",
        text_of(child(part, "metadata", "name")) or "",
        stays and allowed,
    )
