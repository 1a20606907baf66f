"""The kinds of objects that are read from a cluster."""

from __future__ import annotations

from typing import Final, NamedTuple

from fluxsecrets.repo.flux import KUSTOMIZE_GROUP, SOURCE_GROUP
from fluxsecrets.repo.manifests import EXTERNAL_GROUP, SEALED_GROUP


class Kind(NamedTuple):
    """A kind of object.

    Attributes:
        group: of the API, "" for the core one. Its version does not matter: the server chooses.
        name: such as `Kustomization`.
        resource: as the API's paths have it, such as `kustomizations`.
    """

    group: str
    name: str
    resource: str

    @property
    def argument(self) -> str:
        """As kubectl takes it. With its group, since others have kinds of the same name."""
        return f"{self.resource}.{self.group}" if self.group else self.resource


SECRET: Final = Kind("", "Secret", "secrets")
SERVICE_ACCOUNT: Final = Kind("", "ServiceAccount", "serviceaccounts")
DEPLOYMENT: Final = Kind("apps", "Deployment", "deployments")
KUSTOMIZATION: Final = Kind(KUSTOMIZE_GROUP, "Kustomization", "kustomizations")
GIT_REPOSITORY: Final = Kind(SOURCE_GROUP, "GitRepository", "gitrepositories")
OCI_REPOSITORY: Final = Kind(SOURCE_GROUP, "OCIRepository", "ocirepositories")
BUCKET: Final = Kind(SOURCE_GROUP, "Bucket", "buckets")
EXTERNAL_ARTIFACT: Final = Kind(SOURCE_GROUP, "ExternalArtifact", "externalartifacts")
EXTERNAL_SECRET: Final = Kind(EXTERNAL_GROUP, "ExternalSecret", "externalsecrets")
SEALED_SECRET: Final = Kind(SEALED_GROUP, "SealedSecret", "sealedsecrets")

KINDS: Final = (
    SECRET, SERVICE_ACCOUNT, DEPLOYMENT, KUSTOMIZATION, GIT_REPOSITORY, OCI_REPOSITORY, BUCKET,
    EXTERNAL_ARTIFACT, EXTERNAL_SECRET, SEALED_SECRET,
)  # fmt: skip

SOURCES: Final = {each.name: each for each in (GIT_REPOSITORY, OCI_REPOSITORY, BUCKET, EXTERNAL_ARTIFACT)}
"""What a Kustomization may be built from, by the kind that `spec.sourceRef` names."""


def kind_of(api_version: str, name: str) -> Kind | None:
    """Return the kind of an object, or None for kinds that nothing here asks for."""
    group = api_version.rpartition("/")[0]
    return next((each for each in KINDS if (each.group, each.name) == (group, name)), None)
