"""Tools other than Flux that apply or decrypt files of a repository: what they do is not modelled.

A table with a row per tool. To add one: a row with what shows it, what is not known of it here, and what is
looked at all the same. Lines show a tool, not parsed objects, so that a use in a broken file counts, too.
Expressions are compiled with the first file that may have what they look for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import MANIFEST_SUFFIXES
from fluxsecrets.records import dataclass

from .tree import Note, Tree, normalise, parent

_LARGEST = 2**20
"""Bytes of a file that are read; people write no larger manifest for these tools."""

_SUFFIXES = (*MANIFEST_SUFFIXES, ".tf", ".tofu", ".gotmpl")

_KIND = re.compile(rb"(?m)^kind:")
"""In every manifest of Kubernetes, and in no configuration of a tool."""


@dataclass(frozen=True, slots=True)
class OtherTool:
    """A tool that is not modelled.

    Attributes:
        id: its name in JSON and in docs/other-tools.md.
        name: for people.
        unseen: what is not known of it, as a sentence.
        still: what is looked at all the same, as a sentence.
        applies: it applies objects of the repository to a cluster, as Flux does.
        sign: what shows it in a line of a file, an expression.
        words: one of them is in every file that shows it. Most files have none, and are done with.
        beside: what else must be in the file, or None.
        lists: its generators list the files that it decrypts.
        file: the path of a file that shows it whatever is in it, unless that is a manifest; or None.
    """

    id: str
    name: str
    unseen: str
    still: str
    applies: bool
    sign: bytes
    words: tuple[bytes, ...]
    beside: bytes | None = None
    lists: bool = False
    file: str | None = None


_SCANNED = "its files are scanned for plain secrets"


def _kind(*kinds: str) -> bytes:
    """What shows an object of some kinds, even one of a List."""
    return rf"(?m)^ {{0,4}}(?:- )?kind:[ \t]*[\"']?(?:{'|'.join(kinds)})[\"']?[ \t\r]*(?:#.*)?$".encode()


TOOLS: tuple[OtherTool, ...] = (
    OtherTool(
        "argo-cd",
        "Argo CD",
        "what its Applications apply and decrypt is not known here",
        _SCANNED,
        True,
        _kind("Application", "ApplicationSet", "AppProject"),
        (b"argoproj.io/",),
        beside=b"argoproj.io/",
    ),
    OtherTool(
        "argo-cd-plugin",
        "a config management plugin of Argo CD",
        "what the plugin makes of files is not known here",
        _SCANNED,
        True,
        rb"(?m)^kind:[ \t]*[\"']?ConfigManagementPlugin\b|^[ ]+configManagementPlugins:",
        (b"onfigManagementPlugin",),
    ),
    OtherTool(
        "argocd-vault-plugin",
        "argocd-vault-plugin",
        "the values that it puts in the place of `<path:…>` are not known here",
        "its placeholders count as references, not as secrets",
        False,
        rb"avp\.kubernetes\.io/|<path:[^\s>#]{1,300}#[^\s>]{1,200}>",
        (b"avp.kubernetes.io/", b"<path:"),
    ),
    OtherTool(
        "ksops",
        "ksops",
        "the Secrets that it makes are not known here, nor whether its key opens their files",
        "the encrypted files that it lists are checked as files",
        False,
        rb"(?m)^apiVersion:[ \t]*[\"']?viaduct\.ai/|^kind:[ \t]*[\"']?ksops\b",
        (b"viaduct.ai/", b"ksops"),
        lists=True,
    ),
    OtherTool(
        "kustomize-sopssecretgenerator",
        "SopsSecretGenerator",
        "the Secrets that it makes are not known here, nor whether its key opens their files",
        "the encrypted files that it lists are checked as files",
        False,
        _kind("SopsSecretGenerator"),
        (b"SopsSecretGenerator",),
        lists=True,
    ),
    OtherTool(
        "helm-secrets",
        "helm-secrets",
        "what Helm makes of the decrypted values is not known here",
        "encrypted values files are checked as files",
        False,
        rb"(?<![\w/])secrets(?:\+[a-z][a-z-]{0,40})*://",
        (b"secrets://", b"secrets+"),
    ),
    OtherTool(
        "sops-secrets-operator",
        "the operator of SopsSecrets",
        "the Secrets that it makes are not known here, nor whether its key opens the SopsSecrets",
        "a SopsSecret is checked as an encrypted file",
        False,
        _kind("SopsSecret"),
        (b"SopsSecret",),
        beside=b"isindir.github.com/",
    ),
    OtherTool(
        "rancher-fleet",
        "Rancher Fleet",
        "what its bundles apply is not known here",
        _SCANNED,
        True,
        rb"(?m)^apiVersion:[ \t]*[\"']?fleet\.cattle\.io/",
        (b"fleet.cattle.io/",),
        file=r"(?:^|/)fleet\.ya?ml$",
    ),
    OtherTool(
        "helmfile",
        "helmfile",
        "what its releases apply and decrypt is not known here",
        "encrypted values files are checked as files",
        True,
        rb"(?m)^helmfiles:",
        (b"helmfiles:",),
        file=r"(?:^|/)(?:helmfile\.ya?ml|helmfile\.d/[^/]+\.ya?ml)(?:\.gotmpl)?$",
    ),
    OtherTool(
        "kapp-controller",
        "kapp-controller",
        "what its Apps apply and decrypt is not known here",
        _SCANNED,
        True,
        rb"(?m)^apiVersion:[ \t]*[\"']?(?:kappctrl\.k14s\.io|packaging\.carvel\.dev)/",
        (b"kappctrl.k14s.io/", b"packaging.carvel.dev/"),
    ),
    OtherTool(
        "terraform-sops",
        "Terraform's provider for sops",
        "what becomes of decrypted values is not known here, and the state holds them in plain text",
        "encrypted files are checked as files",
        False,
        rb"(?m)^[ \t]*(?:data|ephemeral)[ \t]+\"sops_(?:file|external)\"",
        (b'"sops_',),
    ),
)


@dataclass(frozen=True, slots=True)
class OtherUse:
    """A file that another tool reads.

    Attributes:
        path, line: where its first sign is.
        files: those that it is known to decrypt, relative to the root.
    """

    tool: OtherTool
    path: str
    line: int
    files: tuple[str, ...] = ()


def find_uses(tree: Tree, paths: Collection[str] | None = None) -> tuple[OtherUse, ...]:
    """Find what other tools read, by place.

    Args:
        tree: the repository.
        paths: only these files are looked at; None means all.
    """
    wanted = tree.paths if paths is None else [path for path in tree.paths if path in paths]
    return tuple(use for path in wanted if path.endswith(_SUFFIXES) for use in _uses(tree, path))


def find_listing_uses(tree: Tree) -> tuple[OtherUse, ...]:
    """As `find_uses`, of those that list files which a tool decrypts; most files are done with at once."""
    return tuple(
        use
        for path in tree.paths
        if path.endswith(_SUFFIXES)
        for use in _uses(tree, path, _LISTING_WORDS)
        if use.files
    )


def notes_of(uses: Iterable[OtherUse]) -> tuple[Note, ...]:
    """Say once per tool what is not analysed, at the first place."""
    by_tool: dict[str, list[OtherUse]] = {}
    for use in uses:
        by_tool.setdefault(use.tool.id, []).append(use)
    return tuple(
        Note(
            found[0].path,
            found[0].line,
            f"not analysed: {found[0].tool.name}{_more(found)}: {found[0].tool.unseen}; "
            f"{found[0].tool.still}",
        )
        for found in by_tool.values()
    )


def decrypted_by(uses: Iterable[OtherUse]) -> dict[str, OtherUse]:
    """The files that tools are known to decrypt, with the first that does."""
    found: dict[str, OtherUse] = {}
    for use in uses:
        for path in use.files:
            found.setdefault(path, use)
    return found


def _more(found: Collection[OtherUse]) -> str:
    rest = len(found) - 1
    return f" (and {rest} more file{'' if rest == 1 else 's'})" if rest else ""


_WORDS = tuple(dict.fromkeys(word for tool in TOOLS for word in tool.words))


_LISTING_WORDS = tuple(word for tool in TOOLS if tool.lists for word in tool.words)


def _uses(tree: Tree, path: str, words: Collection[bytes] = ()) -> Iterator[OtherUse]:
    """The uses in a file; nothing unless it has one of some words."""
    try:
        data = tree.read(path, head=_LARGEST)
    except FluxsecretsError:  # whatever reads the file for its content reports what is wrong
        return
    if words and not any(word in data for word in words):
        return
    named = [tool for tool in TOOLS if tool.file is not None and re.search(tool.file, path)]
    if named and _KIND.search(data) is None:
        yield from (OtherUse(tool, path, 1) for tool in named)
        return
    if not any(word in data for word in _WORDS):
        return
    for tool in TOOLS:
        if tool.beside is not None and tool.beside not in data:
            continue
        line = _first(tool.sign, data)
        if line is not None:
            yield OtherUse(tool, path, line, _listed(tree, path, data) if tool.lists else ())


def _first(sign: bytes, data: bytes) -> int | None:
    """The line of the first sign that is not in a comment."""
    for match in re.finditer(sign, data):
        begin = data.rfind(b"\n", 0, match.start()) + 1
        if not data[begin : match.end()].lstrip().startswith(b"#"):
            return data.count(b"\n", 0, match.start()) + 1
    return None


# The files of generators.

_FIELDS = ("files", "envs", "binaryFiles")


def _listed(tree: Tree, path: str, data: bytes) -> tuple[str, ...]:
    from .manifests import child, items_of, read_documents, text_of  # only for what lists files

    try:
        documents = read_documents(data, path, tree.limits)
    except FluxsecretsError:
        return ()
    found: dict[str, None] = {}
    for root in documents:
        for part in (root, *items_of(child(root, "secretFrom"))):
            for name in _FIELDS:
                for item in items_of(child(part, name)):
                    text = text_of(item)
                    file = (
                        normalise(f"{parent(path)}/{text.rpartition('=')[2]}".lstrip("/")) if text else None
                    )
                    if file is not None and file in tree.files:
                        found[file] = None
    return tuple(found)
