"""Which removed file is which new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import MANIFEST_SUFFIXES, SIGN_BYTES, name_in
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.scan.decrypted import read_encrypted, read_plain

from .model import Version

_ENOUGH = 0.5
"""The share of lines that two versions have in common, as for git."""

_MOST_PAIRS = 40_000

_Objects = frozenset[tuple[str, str, str | None, str | None]]


def renamed(removed: Sequence[Version], added: Sequence[Version]) -> dict[str, Version]:
    """Pair removed files with new ones.

    A file that was encrypted anew, or decrypted, on the way has hardly a line in common with what it was. So
    the objects in it, and the lengths of its values, count as well.

    Args:
        removed: versions of files that are gone.
        added: versions of new files.

    Returns:
        Removed versions by the path of the new file. Of very many, only those with the same content.
    """
    found: dict[str, Version] = {}
    left = {version.path: version for version in removed}
    same = {version.data: version for version in removed}
    for version in added:
        old = same.get(version.data)
        if old is not None and left.pop(old.path, None) is not None:
            found[version.path] = old
    rest = [version for version in added if version.path not in found]
    if len(left) * len(rest) > _MOST_PAIRS:
        return found
    # The best pairs first; among equals those with the same file name.
    for _, _, old_path, path in sorted(_scores(left, rest), reverse=True):
        if old_path in left and path not in found:
            found[path] = left.pop(old_path)
    return found


def _scores(left: Mapping[str, Version], added: Sequence[Version]) -> Iterator[tuple[float, bool, str, str]]:
    new = [(version, _lines(version), _objects(version)) for version in added]
    for old in left.values():
        lines, objects = _lines(old), _objects(old)
        values = read_encrypted(old.data)
        for version, other_lines, other_objects in new:
            score = len(lines & other_lines) / (max(len(lines), len(other_lines)) or 1)
            if objects and objects == other_objects:
                score = max(score, 1.0)
            elif SIGN_BYTES not in version.data and any(values) and values.are_in(read_plain(version.data)):
                score = max(score, _ENOUGH)
            if score >= _ENOUGH:
                yield score, name_in(old.path) == name_in(version.path), old.path, version.path


def _lines(version: Version) -> frozenset[bytes]:
    return frozenset(line for line in version.data.splitlines() if line.strip())


def _objects(version: Version) -> _Objects:
    if not version.path.endswith(MANIFEST_SUFFIXES):
        return frozenset()
    try:
        manifests = read_manifests(version.data, version.path).manifests
    except FluxsecretsError:
        return frozenset()
    return frozenset((each.group, each.kind, each.namespace, each.name) for each in manifests)
