"""What changed in which version of Flux, each fact once.

Code asks `has(version, FACT)`. `make docs` writes the table of docs/flux.md from `FACTS`, and from the fields
and values of a Kustomization that came later, which are in `kustomization-crd.json`.

Flux 2.N has kustomize-controller 1.N and source-controller 1.N. A fact was checked in the code of the
controller at the first tag that has it, and at the one before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

NEWEST: Final = 9
"""The minor version of Flux 2 up to which the facts were checked."""

SUPPORTED: Final = NEWEST - 2
"""The oldest minor version that the Flux project still maintains: it maintains three."""

_UNBOUNDED = 10**6
"""The minor version of a range that ends with a major one."""

_EXACT = re.compile(r"[~=v]*(\d+)\.(\d+)(?:\.(?:\d+|[xX*])[^\s,|]*)?")
_BELOW = re.compile(r"<(=?)\s*v?(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class Fact:
    """A change in what Flux does.

    Attributes:
        id: its name in docs/flux.md.
        minor: the minor version of Flux 2 that has it first.
        after, before: what Flux does since then, and what it did before. Both continue "Flux …".
        source: where the change is, in the repository of the controller.
    """

    id: str
    minor: int
    after: str
    before: str
    source: str

    @property
    def shown(self) -> str:
        """The version, such as `2.9`."""
        return f"2.{self.minor}"


_CHANGES = "kustomize-controller CHANGELOG.md"
_DECRYPTOR = "kustomize-controller internal/decryptor/decryptor.go"

STRICT_GATE = Fact(
    "strict-variables-gate",
    3,
    "stops at an undefined variable if the feature gate `StrictPostBuildSubstitutions` is on",
    "ignores the gate, and puts nothing in the place of the variable",
    f"{_CHANGES}, 1.3.0",
)
STRICT = Fact(
    "strict-variables",
    9,
    "stops at an undefined variable without a default, unless the gate `StrictPostBuildSubstitutions` is off",
    "puts nothing in the place of the variable, unless the gate is on",
    f"{_CHANGES}, 1.9.0",
)
PATCHES = Fact(
    "patches-decrypted",
    5,
    "decrypts the files that `patches[].path` names",
    "takes them as they are, with their ciphertext",
    f"{_DECRYPTOR}, DecryptSources",
)
COMPONENTS = Fact(
    "components-decrypted",
    5,
    "decrypts the files of generators in a kustomization file's `components`",
    "decrypts them only as values of the Secret, in the format of the marker",
    f"{_DECRYPTOR}, recurseKustomizationFiles",
)
TARGET_PATH = Fact(
    "target-path-over-values",
    4,
    "lets the `targetPath` of a HelmRelease's `valuesFrom` change what `spec.values` sets",
    "lets `spec.values` win over it, and a list there as a whole",
    "helm-controller CHANGELOG.md, 1.1.0",
)
LITERAL = Fact(
    "literal-values",
    9,
    "takes a value as it is where `valuesFrom[].literal` is set, and not as Helm's `--set` does",
    "refuses the field",
    "fluxcd/pkg chartutil/values.go; helm-controller 1.6.0",
)
SERVICE_ACCOUNT = Fact(
    "decryption-service-account",
    6,
    "uses the role of `decryption.serviceAccountName` if the gate `ObjectLevelWorkloadIdentity` is on",
    "refuses the field",
    f"{_CHANGES}, 1.6.0",
)
GLOBAL_KEY = Fact(
    "global-age-key",
    7,
    "decrypts with the age keys of the Secret that the controller's `--sops-age-secret` names, where "
    "`decryption.secretRef` is not set",
    "does not start with the flag",
    f"{_DECRYPTOR}, ImportKeys",
)
DEFAULT_ACCOUNT = Fact(
    "default-decryption-service-account",
    7,
    "uses the service account of `--default-decryption-service-account` where a Kustomization names none",
    "does not start with the flag",
    f"{_DECRYPTOR}, SetAuthOptions",
)
EXTERNAL_ARTIFACT = Fact(
    "external-artifacts",
    7,
    "builds from an ExternalArtifact, such as one that an ArtifactGenerator makes, if the gate "
    "`ExternalArtifact` is on",
    "refuses it as a source",
    f"{_CHANGES}, 1.7.0",
)
READY_EXPRESSION = Fact(
    "ready-expressions",
    7,
    "evaluates `dependsOn[].readyExpr`, and with the gate `AdditiveCELDependencyCheck` the usual check too",
    "refuses the field",
    f"{_CHANGES}, 1.7.0",
)
NO_V1BETA1 = Fact(
    "v1beta1-removed",
    7,
    "does not know `v1beta1` of Kustomizations and sources",
    "takes it",
    "CHANGELOG.md of kustomize-controller and source-controller, 1.7.0",
)
NO_V1BETA2 = Fact(
    "v1beta2-removed",
    8,
    "does not know `v1beta2` of Kustomizations and sources",
    "takes it",
    "CHANGELOG.md of kustomize-controller and source-controller, 1.8.0",
)
DISABLED = Fact(
    "decryption-disabled",
    8,
    "leaves an object encrypted that has the annotation `kustomize.toolkit.fluxcd.io/decrypt: disabled`",
    "ignores the annotation, and decrypts the object",
    f"{_DECRYPTOR}, IsDecryptionDisabled",
)
POST_QUANTUM = Fact(
    "age-post-quantum",
    9,
    "reads `AGE-SECRET-KEY-PQ-1…` in an `.agekey`, and opens files for `age1pq1…`",
    "stops at such a key, and decrypts nothing with the Secret that holds it",
    "kustomize-controller go.mod, 1.9.0: sops 3.13 and age 1.3",
)
VAULT_LOGIN = Fact(
    "vault-workload-identity",
    9,
    "logs in with a service account to the OpenBao and Vault servers of the ConfigMap that "
    "`--sops-vault-configmap` names",
    "does not start with the flag, and needs `sops.vault-token` or `VAULT_TOKEN`",
    f"{_CHANGES}, 1.9.0",
)

PATH_PATTERN = Fact(
    "artifact-path-pattern",
    9,
    "makes an ExternalArtifact for each folder that `pathPattern` of an ArtifactGenerator matches",
    "refuses the field",
    "source-watcher CHANGELOG.md, 2.2.0",
)

FACTS: Final = (
    STRICT_GATE,
    TARGET_PATH,
    PATCHES,
    COMPONENTS,
    SERVICE_ACCOUNT,
    GLOBAL_KEY,
    DEFAULT_ACCOUNT,
    EXTERNAL_ARTIFACT,
    READY_EXPRESSION,
    NO_V1BETA1,
    NO_V1BETA2,
    DISABLED,
    STRICT,
    LITERAL,
    POST_QUANTUM,
    VAULT_LOGIN,
    PATH_PATTERN,
)
"""All facts, oldest first."""

REMOVED: Final = {"v1beta1": NO_V1BETA1, "v1beta2": NO_V1BETA2}
"""Versions of kinds, with the fact that they are gone."""


def has(version: str | None, fact: Fact) -> bool:
    """Whether a version of Flux has a change.

    Args:
        version: such as `2.8.3`, or a range such as `2.x`, of which the newest counts; None for the newest.
        fact: the change.
    """
    newest = newest_of(version)
    return newest is None or newest >= (2, fact.minor)


def is_sure(version: str | None, fact: Fact) -> bool:
    """Whether `has` holds for all that a version may be: without one, for all that are still maintained."""
    return version is not None or fact.minor <= SUPPORTED


def minor_of(version: str | None) -> int | None:
    """Return the minor version of Flux 2, the newest of a range; None if it is not known, or not bounded."""
    newest = newest_of(version)
    if newest is None or newest[0] > 2:
        return None
    return newest[1] if newest[0] == 2 else 0


def is_newer(version: str) -> bool:
    """Whether a version is newer than what the facts were checked for; a range without an end is not."""
    newest = newest_of(version)
    return newest is not None and newest > (2, NEWEST) and newest[1] != _UNBOUNDED


def newest_of(version: str | None) -> tuple[int, int] | None:
    """Return the newest major and minor version that a text allows; None if it has no upper end."""
    return max(_ends(version), default=None) if version is not None else None


def _ends(version: str) -> Iterator[tuple[int, int]]:
    below = _BELOW.search(version)
    if below is not None:
        major, minor = int(below[2]), int(below[3])
        if below[1] or below[4] not in (None, "0"):
            yield major, minor
        else:
            # `<2.9.0` ends at 2.8, and `<3.0.0` at the newest 2.N
            yield (major, minor - 1) if minor else (major - 1, _UNBOUNDED)
        return
    exact = _EXACT.fullmatch(version.strip())
    if exact is not None:
        yield int(exact[1]), int(exact[2])
