"""Files that programs read as they are: encrypted, they would be of no use to anybody.

A rule such as `path_regex: .*` matches them as well, and `encrypt *.yaml` names them.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import PurePath

from fluxsecrets.errors import FluxsecretsError, NotEncryptedError, UnprotectedError
from fluxsecrets.marks import (
    BASELINE_NAME,
    CHART_NAME,
    KEYS_FOLDER,
    KUSTOMIZATION_NAMES,
    MISSPELLED_RULES_NAME,
    OFFBOARDING_FOLDER,
    PUBLIC_KEY_SUFFIX,
    RULES_NAME,
    SETTINGS_NAME,
)

_RULES = "the creation rules are read from it"
_GIT = "git reads it as it is"
_CI = "the pipeline reads it as it is"
_HELM = "helm reads it as it is"

_WORKFLOWS = {(forge, "workflows") for forge in (".github", ".forgejo", ".gitea")}
_NAMES = {
    RULES_NAME: _RULES,
    MISSPELLED_RULES_NAME: _RULES,
    SETTINGS_NAME: "the settings are read from it",
    BASELINE_NAME: "it is the scanner's baseline, which holds no secret",
    **dict.fromkeys(KUSTOMIZATION_NAMES, "kustomize reads it as it is"),
    **dict.fromkeys((".gitattributes", ".gitignore", ".gitmodules", ".gitkeep", ".mailmap"), _GIT),
    ".sourceignore": "Flux reads it as it is",
    **dict.fromkeys((".pre-commit-config.yaml", ".pre-commit-hooks.yaml"), "pre-commit reads it as it is"),
    ".gitlab-ci.yml": _CI,
    ".editorconfig": "editors read it as it is",
    "CODEOWNERS": "the git server reads it as it is",
    **dict.fromkeys((CHART_NAME, "Chart.lock", ".helmignore"), _HELM),
}


def why_plain(path: PurePath) -> str | None:
    """Why a file has to stay plain text, by its name and place; None where it may be encrypted.

    Args:
        path: it, with the folders that it lies in.
    """
    folders = path.parts[:-1]
    if path.name in _NAMES:
        return _NAMES[path.name]
    if path.suffix == PUBLIC_KEY_SUFFIX and folders[-1:] == (KEYS_FOLDER,):
        return "it is a public key, and everybody may read it"
    if path.suffix == ".json" and folders[-1:] == (OFFBOARDING_FOLDER,):
        return "it is the record of what somebody who left could read, and holds no secret"
    if ".git" in folders:
        return _GIT
    if any(pair in _WORKFLOWS for pair in pairwise(folders)):
        return _CI
    return None


def fix_hint(error: FluxsecretsError, path: PurePath) -> None:
    """Take back the advice to encrypt a file, where it has to stay plain text."""
    reason = why_plain(path) if isinstance(error, NotEncryptedError) else None
    if reason is not None:
        error.hint = f"it stays as it is: {reason}"


def refuse_configuration(path: PurePath) -> None:
    """Refuse to encrypt a file that has to stay plain text.

    Args:
        path: where it is, or would be.

    Raises:
        UnprotectedError: it has to.
    """
    reason = why_plain(path)
    if reason is not None:
        raise UnprotectedError(
            f"it is not encrypted: {reason}", hint="put secrets into a file of their own, and encrypt that"
        )
