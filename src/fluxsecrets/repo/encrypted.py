"""Which files are encrypted, and which must not be, since programs read them as they are.

A rule such as `path_regex: .*` matches the latter as well, and `encrypt *.yaml` names them.
"""

from __future__ import annotations

import re
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
    SIGN_BYTES,
    has_marks,
    is_ciphertext,
)
from fluxsecrets.sops.formats import format_for_path

from .manifests import child, read_documents, searchable, text_of

_DOTENV = re.compile(rb"(?:\s*(?:#.*)?\n|[^=\s`]+[^=\n`]*=.*\n)*")


def detect_encryption(data: bytes, path: str) -> str | None:
    """The format in which a file is encrypted, or None if it is not.

    The name says which marks to look for. If it does not, the whole file must look like the format, so that a
    guide with an encrypted file in it does not count as one.

    Args:
        data: the content, or of a long JSON file its start and end.
        path: its name.
    """
    if SIGN_BYTES not in data:
        data = searchable(data)
        if SIGN_BYTES not in data:
            return None
    name = format_for_path(path)
    if name != "binary" and (has_marks(name, data) or (name == "yaml" and has_marks("json", data))):
        return name
    # `--input-type` lets anything stand under any name
    return _detect_by_content(data)


def _detect_by_content(data: bytes) -> str | None:
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return "binary" if has_marks("json", text) else None
    if has_marks("dotenv", text) and _DOTENV.fullmatch(text.rstrip() + b"\n"):
        return "dotenv"
    if text.startswith((b"[", b";", b"#")) and b"```" not in text and has_marks("ini", text):
        return "ini"
    return "yaml" if has_marks("yaml", text) and _parses_as_encrypted_yaml(text) else None


def _parses_as_encrypted_yaml(data: bytes) -> bool:
    """Guides show encrypted YAML too, but are not YAML with that block at the top."""
    try:
        documents = read_documents(data, "")
    except FluxsecretsError:
        return False
    return any(is_ciphertext(text_of(child(node, "sops", "mac"))) for node in documents)


_RULES = "the creation rules are read from it"
_GIT = "git reads it as it is"
_CI = "the pipeline reads it as it is"
_HELM = "helm reads it as it is"

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
    """Why a file has to stay plain text, by its name and place; None where it may be encrypted."""
    folders = path.parts[:-1]
    if path.name in _NAMES:
        return _NAMES[path.name]
    if path.suffix == PUBLIC_KEY_SUFFIX and folders[-1:] == (KEYS_FOLDER,):
        return "it is a public key, and everybody may read it"
    if path.suffix == ".json" and folders[-1:] == (OFFBOARDING_FOLDER,):
        return "it is the record of what somebody who left could read, and holds no secret"
    if ".git" in folders:
        return _GIT
    if (".github", "workflows") in pairwise(folders):
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
