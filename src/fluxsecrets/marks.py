"""Facts that all rooms must agree on: the form of ciphertexts, encrypted files, file names, private keys.

Everything may import this module, and it imports nothing of fluxsecrets. Every command pays for it at
start-up, so patterns are compiled when they are first used.

Ciphertexts: one predicate decides for everything that scans, encrypts or decrypts. A password may begin and
end like a ciphertext, so the whole form has to fit, and nonce and tag must have lengths that sops opens.
Whether a ciphertext is genuine only the data key can tell. Taken from sops 3.13.2: aes/cipher.go.

Encrypted files have a `sops` block, and in it a MAC that is a ciphertext; nothing is parsed or verified here.

Private keys: every error is redacted when it is created, and every line for people when it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

SIGN = "ENC[AES256_GCM,"
"""The start of every ciphertext."""

SIGN_BYTES = SIGN.encode()
"""What every encrypted file holds."""

KINDS = ("str", "int", "float", "bytes", "bool", "time", "comment")
"""What may stand in `type:`."""

FORM = (
    rf"{re.escape(SIGN)}data:([A-Za-z0-9+/]+={{0,2}}),"
    r"iv:([A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{16}),"  # sops writes 32 bytes, and reads 12 as well
    r"tag:([A-Za-z0-9+/]{22}==),"
    rf"type:({'|'.join(KINDS)})\]"
)
"""A regular expression for `re` and RE2; its groups are the base64 of data, nonce and tag, and the type."""


def write_ciphertext(data: bytes, nonce: bytes, tag: bytes, kind: str) -> bytes:
    """A ciphertext of its parts, which are base64 already."""
    return b"".join((SIGN_BYTES, b"data:", data, b",iv:%b,tag:%b,type:%b]" % (nonce, tag, kind.encode())))


def read_ciphertext(text: str) -> re.Match[str] | None:
    """The parts of a ciphertext as the groups of `FORM`, or None for anything else."""
    if not text.startswith(SIGN):
        return None
    match = _form().fullmatch(text)
    return match if match is not None and is_whole(match) else None


def is_ciphertext(value: object) -> bool:
    """Whether a value is a ciphertext; white space around it does not matter, as in block scalars."""
    return isinstance(value, str) and SIGN in value and read_ciphertext(value.strip()) is not None


def is_encrypted_comment(value: object) -> bool:
    """Whether a value is the ciphertext of a comment: sops writes comments in lists as items."""
    match = read_ciphertext(value) if isinstance(value, str) else None
    return match is not None and match[4] == "comment"


def may_hold_encrypted_comment(data: bytes) -> bool:
    """Whether a `#` before the start of a ciphertext stands in a file."""
    return SIGN_BYTES in data and re.search(_IN_COMMENT, data) is not None


def find_ciphertexts(data: bytes) -> Iterator[bytes]:
    """The ciphertexts in a file."""
    if SIGN_BYTES in data:
        yield from (match[0] for match in _form_in_bytes().finditer(data) if is_whole(match))


def is_whole(match: re.Match[str] | re.Match[bytes]) -> bool:
    """Whether the data in a match of `FORM` is as long as base64 can be; asking in `FORM` would be slow."""
    return (match.end(1) - match.start(1)) % 4 == 0


@cache
def _form() -> re.Pattern[str]:
    return re.compile(FORM)


@cache
def _form_in_bytes() -> re.Pattern[bytes]:
    return re.compile(FORM.encode())


_IN_COMMENT = rb"#[ \t]*" + SIGN_BYTES.replace(b"[", rb"\[")
_CIPHERTEXT = FORM.encode()
_BLOCKS = {
    "json": rb'"sops"\s*:\s*\{',
    "ini": rb"(?m)^\[sops\][ \t]*\r?$",
}
_MACS = {
    # What is in front of the key is looked for behind it: the search goes from one `mac` to the next.
    "yaml": rb"""mac(?:(?<=\Amac)|(?<=[\s{,]mac)|(?<=\A["']mac)|(?<=[\s{,]["']mac))"""
    + rb"""["']?\s*:\s*(?:[|>][-+0-9]*\s*)?["']?"""
    + _CIPHERTEXT
    + rb"""(?=["']|[ \t]*(?:[\r\n#]|\Z))""",
    "json": rb'"mac"\s*:\s*"' + _CIPHERTEXT + b'"',
    "dotenv": rb"(?m)^sops_mac=" + _CIPHERTEXT + rb"[ \t]*\r?$",
    "ini": rb"(?m)^mac[ \t]*=[ \t]*\"?" + _CIPHERTEXT + rb"\"?[ \t]*\r?$",
}
_EVIDENT = {
    "yaml": rb"(?m)^sops:[ \t]*\r?$",
    "dotenv": rb"(?m)^sops_mac=",
    "ini": _BLOCKS["ini"],
}

KEY_LISTS = ("age", "pgp", "kms", "gcp_kms", "hckms", "azure_kv", "hc_vault")
"""The lists of wrapped data keys in a `sops` block, one per kind of key in `sops.recipients.KINDS`."""

FLUX_MARKERS = {
    "binary": b'"mac": "ENC[',
    "dotenv": b"sops_mac=ENC[",
    "ini": b"[sops]",
    "json": b'"mac": "ENC[',
    "yaml": b"mac: ENC[",
}
"""By format what kustomize-controller takes a file for encrypted by (`sopsFormatToMarkerBytes`)."""


def has_marks(format_name: str, data: bytes) -> bool:
    """Whether a file has the block and the MAC of a format: `yaml`, `json`, `dotenv` or `ini`."""
    if SIGN_BYTES not in data:
        return False
    has_block = _has_yaml_block(data) if format_name == "yaml" else _has_block(format_name, data)
    return has_block and any(map(is_whole, re.finditer(_MACS[format_name], data)))


def _has_block(format_name: str, data: bytes) -> bool:
    block = _BLOCKS.get(format_name)
    return block is None or re.search(block, data) is not None


def _has_yaml_block(data: bytes) -> bool:
    """Whether a line starts with the key of the block; one expression for that would try every line."""
    line = 0
    while (key := _yaml_key().search(data, line)) is not None:
        line = max(line, data.rfind(b"\n", line, key.start()) + 1)
        if data[line : key.start()].lstrip(b" \t") in (b"", b'"', b"'"):
            return True
        line = data.find(b"\n", key.end()) + 1 or len(data)  # no later key starts this line
    return False


@cache
def _yaml_key() -> re.Pattern[bytes]:
    return re.compile(rb"""sops["']?[ \t]*:""")


def is_evident(format_name: str, data: bytes) -> bool:
    """Whether a file is encrypted in a format beyond doubt, by lines that only such a file has.

    JSON is never evident: sops writes encrypted binary files as JSON, too.
    """
    line = _EVIDENT.get(format_name)
    return line is not None and SIGN_BYTES in data and re.search(line, data) is not None


def flux_markers(data: bytes) -> frozenset[str]:
    """The formats whose markers Flux would find in a file."""
    return frozenset(name for name, marker in FLUX_MARKERS.items() if marker in data)


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


TEMPLATE_SUFFIXES = (
    *(".j2", ".jinja", ".jinja2", ".tpl", ".tmpl", ".gotmpl", ".gtpl", ".template", ".tftpl", ".erb", ".ejs"),
    *(".mustache", ".hbs", ".liquid"),
)
"""How the name of a file ends from which another one is made."""

_BESIDE_SECRETS = (
    *TEMPLATE_SUFFIXES,
    *(".sh", ".bash", ".zsh", ".fish", ".ps1", ".py", ".rb", ".js", ".ts", ".go", ".md", ".rst", ".adoc"),
    *(".sha1", ".sha256", ".sha512", ".md5", ".sig", ".asc", ".minisig"),
)


def chart_files(path: str) -> Iterator[str]:
    """The `Chart.yaml` files, one beside each `templates/` above a file, that would make it a template."""
    parts = path.split("/")
    return (
        "/".join((*parts[:index], CHART_NAME)) for index, part in enumerate(parts[:-1]) if part == "templates"
    )


def name_in(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


def folders_above(path: str) -> Iterator[str]:
    """The folders that a path of a repository is in, the nearest first, the repository's own (`""`) last."""
    while path:
        path = path.rpartition("/")[0]
        yield path


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
    """Whether a name says that the file is a secret: `*.sops.*` or `*.enc.*`, but not `.sops.yaml`.

    A template from which one is made, a script, a checksum or a page about one is not a secret as a whole.
    """
    name = name_in(path)
    inner = name[1:-1]
    return (".sops." in inner or ".enc." in inner) and not name.lower().endswith(_BESIDE_SECRETS)


PROPOSED = ".proposed-"
"""What the name of a proposal's file has before the key."""


def is_proposal_name(path: str) -> bool:
    """Whether a name is that of a proposal: `NAME.proposed-KEY.yaml`, or `proposed-KEY.NAME.yaml`."""
    name = name_in(path)
    return name.endswith(YAML_SUFFIXES) and PROPOSED in f".{name}"


LEFTOVER = "a run that was killed left it"
"""Why a temporary file in a work tree counts as a secret, whatever file it was to replace."""


def is_leftover_name(path: str) -> bool:
    """Whether a name is that of a temporary file: `.NAME.fluxsecrets-….tmp`."""
    name = name_in(path)
    return name.startswith(".") and name.endswith(".tmp") and ".fluxsecrets-" in name


MEMBER_SIGN = "!"
"""What is between an archive's path and that of a file in it."""


def files_of(path: str) -> Iterator[str]:
    """The paths of files that may hold what is at a path: itself, then each archive that it may be in."""
    yield path
    while MEMBER_SIGN in path:
        path = path.rpartition(MEMBER_SIGN)[0]
        yield path


def archive_of(path: str) -> str:
    """The path of the archive that a file is in, or the path itself."""
    return path.partition(MEMBER_SIGN)[0] or path


SHOWN = "(a private key)"

_SIGNS = ("age-secret-key-", "age-plugin-", "private key")
_PRIVATE_KEY = (
    r"AGE-SECRET-KEY-[0-9A-Z+._-]{5,}"
    r"|AGE-PLUGIN-[0-9A-Z+._-]+?-1[02-9AC-HJ-NP-Z]{6,}"
    # PEM, OpenSSH and PGP. A block without an end hides the rest. Paths and JSON may escape line breaks.
    r"|----[- ]?BEGIN[ A-Z0-9_.-]*PRIVATE KEY(?: BLOCK)? ?----.*?(?:----[- ]?END[ A-Z0-9_.-]*----|\Z)"
)


def holds_private_key(text: str) -> bool:
    """Whether a text contains a private key of age, a plug-in, PEM, OpenSSH or PGP."""
    return _may_hold_one(text) and _private_key().search(text) is not None


def without_private_keys(text: str) -> str:
    """Return a text with `(a private key)` in place of each private key."""
    return with_private_keys(text, lambda _: SHOWN)


def with_private_keys(text: str, make: Callable[[str], str]) -> str:
    """Return a text with something else in place of each private key, made from the key."""
    return _private_key().sub(lambda match: make(match[0]), text) if _may_hold_one(text) else text


def _may_hold_one(text: str) -> bool:
    lower = text.lower()
    return any(sign in lower for sign in _SIGNS)


@cache
def _private_key() -> re.Pattern[str]:
    """Compile on first use, since every command imports this module."""
    return re.compile(_PRIVATE_KEY, re.IGNORECASE | re.DOTALL)
