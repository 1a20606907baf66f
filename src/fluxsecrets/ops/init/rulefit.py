"""The creation rules that fit what is there: for each environment, and for what several share.

Manifests get the selector that Flux needs. Files that a generator reads, and others that are not manifests,
are encrypted as a whole: they get a rule above without a selector.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import MANIFEST_SUFFIXES, is_kustomization
from fluxsecrets.ops.policy.policy import FLUX_SELECTOR
from fluxsecrets.repo.discover import SecretFile, SecretKind
from fluxsecrets.repo.manifests import may_hold_secret
from fluxsecrets.sops.config_append import FreshRule
from fluxsecrets.sops.recipients import Recipient, recipient_key

from .coverage import Coverage, is_nameable
from .holders import Holders
from .survey import OUTSIDE, Survey
from .territory import Owners, Segments, file_regex, folder_regex

_MANIFESTS = r".*\.(ya?ml|json)$"
_DOTENV = r".*\.env$"
_OUTSIDE = "outside of every environment"


def fresh_rules(survey: Survey, coverage: Coverage, holders: Holders) -> tuple[FreshRule, ...]:
    """Return the rules that are missing, in the order in which they are tried."""
    folders = {
        owners: tuple(filter(is_nameable, found)) for owners, found in survey.territories.folders().items()
    }
    return tuple(
        rule
        for owners in coverage.owners
        for rule in _rules(
            _Ground(survey, owners, folders.get(owners, ()), coverage.missing.get(owners, ())),
            _recipients(owners, holders),
        )
    )


def _recipients(owners: Owners, holders: Holders) -> tuple[Recipient, ...]:
    """Return who reads it: people, and the cluster of each environment."""
    found = [holders.person.recipient, *(each.recipient for each in holders.readers)]
    found += [holders.clusters[name].recipient for name in sorted(owners) if name in holders.clusters]
    return tuple({recipient_key(each): each for each in found}.values())


@dataclass(frozen=True, slots=True)
class _Ground:
    """What rules are for.

    Attributes:
        folders: theirs alone.
        missing: their secrets without a rule.
    """

    survey: Survey
    owners: Owners
    folders: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def is_outside(self) -> bool:
        """No environment reaches it."""
        return self.owners == OUTSIDE

    @property
    def title(self) -> str:
        names = sorted(self.owners)
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or _OUTSIDE

    def widened(self, paths: Iterable[str]) -> tuple[Segments, ...]:
        return self.survey.territories.widened(paths, self.owners)

    def holds(self, path: str) -> bool:
        return any(not folder or path.startswith(f"{folder}/") for folder in self.folders)


def _rules(ground: _Ground, recipients: tuple[Recipient, ...]) -> Iterator[FreshRule]:
    found = {each.path: each for each in ground.survey.secrets}
    whole = [path for path in ground.missing if not _is_manifest(ground.survey, found[path])]
    manifests = [path for path in ground.missing if path not in whole]
    title = ground.title
    folders, files = _whole_files(ground, whole, found)
    inside = {path for path in whole if path.rpartition("/")[0] in folders}
    if folders:
        pattern = folder_regex(ground.widened(folders))
        yield FreshRule(f"{title}: files for generators", pattern, None, recipients)
    if files:
        pattern = file_regex(ground.widened(files))
        yield FreshRule(f"{title}: single files", pattern, None, recipients)
    if ground.folders and not ground.is_outside:
        wide = ground.widened(ground.folders)
        yield FreshRule(f"{title}: manifests", folder_regex(wide, _MANIFESTS), FLUX_SELECTOR, recipients)
        if any(_goes_by_suffix(ground, path) for path in whole if path not in inside):
            yield FreshRule(f"{title}: .env files", folder_regex(wide, _DOTENV), None, recipients)
    apart = [path for path in manifests if ground.is_outside or not ground.holds(path)]
    if apart:
        pattern = file_regex(ground.widened(apart))
        yield FreshRule(f"{title}: single manifests", pattern, FLUX_SELECTOR, recipients)


def _whole_files(
    ground: _Ground, paths: Collection[str], secrets: Mapping[str, SecretFile]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return folders that hold nothing else, and files beside those; `.env` may have a rule of its own."""
    siblings: dict[str, list[str]] = {}
    for path in ground.survey.tree.paths:
        siblings.setdefault(path.rpartition("/")[0], []).append(path)
    folders: dict[str, None] = {}
    files: list[str] = []
    for path in paths:
        folder = path.rpartition("/")[0]
        if _is_generators_alone(ground, folder, siblings[folder], secrets):
            folders[folder] = None
        elif not _goes_by_suffix(ground, path):
            files.append(path)
    return tuple(folders), tuple(files)


def _goes_by_suffix(ground: _Ground, path: str) -> bool:
    """Whether a rule for `.env` files covers it."""
    return path.endswith(".env") and not ground.is_outside and ground.holds(path)


def _is_generators_alone(
    ground: _Ground, folder: str, files: Iterable[str], secrets: Mapping[str, SecretFile]
) -> bool:
    """Whether a folder holds nothing but files for generators, which is what its name says then, too."""
    inside = folder.count("/") >= 1 and folder not in ground.survey.territories.roots
    return inside and not any(
        is_kustomization(path) or path not in secrets or secrets[path].kind is not SecretKind.GENERATOR
        for path in files
    )


def _is_manifest(survey: Survey, secret: SecretFile) -> bool:
    """Whether a file is a manifest of a Secret, of which Flux must be able to read the rest."""
    if secret.kind is SecretKind.MANIFEST:
        return True
    if secret.kind is SecretKind.GENERATOR or not secret.path.lower().endswith(MANIFEST_SUFFIXES):
        return False
    try:
        return may_hold_secret(survey.tree.read(secret.path))
    except FluxsecretsError:
        return False
