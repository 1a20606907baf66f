"""What kind of file it is, by its name and by how its lines look."""

from __future__ import annotations

import re

from fluxsecrets.marks import MANIFEST_SUFFIXES, TEMPLATE_SUFFIXES, has_marks

from .blob import Blob
from .names import login_form

_ENV_LINE = rb"(?m)^(?:#|(?:export )?[A-Za-z_][\w.-]*=)"
_INI_LINE = rb"(?m)^(?:[#;]|\[[^\]\n]*\][ \t]*\r?$|[^\s=][^=\n]*=)"

_YAML_SUFFIXES = (*MANIFEST_SUFFIXES, ".kubeconfig", ".dockerconfigjson", ".dockercfg")
_YAML_NAMES = frozenset({"kustomization", "kubeconfig", "admin.conf", "config.json", ".dockerconfigjson"})
_COPY_SUFFIXES = (
    *(
        "~",
        ".bak",
        ".backup",
        ".orig",
        ".old",
        ".dec",
        ".decrypted",
        ".plain",
        ".tmp",
        ".swp",
        ".save",
        ".rej",
    ),
    *(".copy", ".disabled", ".off", ".dist", ".example", ".sample"),
)
"""Suffixes that people and editors give to copies."""


def is_yaml(path: str) -> bool:
    """Whether the name of a file, or of a template or a copy of it, is that of a manifest."""
    name = path.rpartition("/")[2].lower()
    for suffixes in (_COPY_SUFFIXES, TEMPLATE_SUFFIXES):
        if name.endswith(suffixes):  # few names have any
            for suffix in suffixes:
                name = name.removesuffix(suffix)
    return name.endswith(_YAML_SUFFIXES) or name in _YAML_NAMES


def is_login_file(path: str) -> bool:
    """Whether a program reads its logins from a file with this name."""
    return bool(login_form(path))


def is_encrypted_lines(blob: Blob) -> bool:
    """Whether a file is an encrypted dotenv or INI file, and not code that holds or mentions one."""
    data = blob.data
    if has_marks("dotenv", data):
        form = _ENV_LINE
    elif has_marks("ini", data):
        form = _INI_LINE
    else:
        return False
    # Somebody may have added lines that the format does not have.
    return 2 * len(re.findall(form, data)) >= len(re.findall(rb"\S[^\n]*", data))
