"""The names of files that mean something to sops, Flux, kustomize or fluxsecrets."""

from __future__ import annotations

from collections.abc import Iterator

RULES_NAME = ".sops.yaml"
"""sops's configuration, with the creation rules."""

MISSPELLED_RULES_NAME = ".sops.yml"
"""sops does not read it."""

SETTINGS_NAME = ".fluxsecrets.yaml"
"""What has no place in `.sops.yaml`."""

BASELINE_NAME = ".fluxsecrets-baseline.json"
"""The findings that are known."""

OLD_STATE_NAME = ".fluxsecrets-state"
"""The folder in which early versions kept journals; git and walks skip it."""

KEYS_FOLDER = "keys"
"""The folder of public keys, `keys/NAME.pub`."""

PUBLIC_KEY_SUFFIX = ".pub"

OFFBOARDING_FOLDER = "offboarding"
"""The folder of records of what people who left could read, `offboarding/NAME.json`."""

CHART_NAME = "Chart.yaml"
"""The file that makes a folder a Helm chart."""

KUSTOMIZATION_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""The names under which kustomize finds its file in a folder."""

YAML_SUFFIXES = (".yaml", ".yml")

MANIFEST_SUFFIXES = (*YAML_SUFFIXES, ".json")
"""How the name of a manifest ends."""


def chart_files(path: str) -> Iterator[str]:
    """The `Chart.yaml` files, one beside each `templates/` above a file, that would make it a template."""
    parts = path.split("/")
    return (
        "/".join((*parts[:index], CHART_NAME)) for index, part in enumerate(parts[:-1]) if part == "templates"
    )


def name_in(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


def is_rules_file(path: str) -> bool:
    """Whether a path is that of a `.sops.yaml`."""
    return name_in(path) == RULES_NAME


def is_kustomization(path: str) -> bool:
    """Whether kustomize reads a file as the kustomization of its folder."""
    return name_in(path) in KUSTOMIZATION_NAMES


def is_public_key(path: str) -> bool:
    """Whether a path is a `keys/NAME.pub` at the root of a repository."""
    return path.startswith(f"{KEYS_FOLDER}/") and path.count("/") == 1 and path.endswith(PUBLIC_KEY_SUFFIX)


def is_secret_name(path: str) -> bool:
    """Whether a name says that the file is a secret: `*.sops.*` or `*.enc.*`, but not `.sops.yaml`."""
    inner = name_in(path)[1:-1]
    return ".sops." in inner or ".enc." in inner
