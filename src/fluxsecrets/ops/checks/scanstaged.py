"""Scan what is staged: one git reads it, with all that it is judged by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from fluxsecrets.marks import SETTINGS_NAME, SIGN_BYTES
from fluxsecrets.ops.policy.trust import (
    INDEX,
    rule_files,
    state_reader,
    take_rules,
    take_trust,
    trusted_names,
    with_named,
)
from fluxsecrets.repo.git import BLOB_LIMIT
from fluxsecrets.scan.scanner import FileScan
from fluxsecrets.scan.sources import SourceFile
from fluxsecrets.scan.sources.staged import Staged, kustomizations, list_staged, read_generators, read_staged

from .scanjob import ScanJob


def scan_staged(job: ScanJob) -> Iterator[FileScan]:
    """Read and judge what is staged.

    Raises:
        GitError: the folder is not in a repository, or git fails.
        ConfigError: settings or rules are invalid.
    """
    repository = job.needed()
    job.listing = list_staged(repository)
    files = [file for file in job.listing.files if job.is_chosen(file.path)]
    job.before = {file.path: file.before for file in files if file.before}
    # One git reads what is judged, what that is judged by, and what may read it: a commit waits for each.
    rules = rule_files(file.path for file in files)
    beside = kustomizations(file.path for file in files)
    names = (*trusted_names(INDEX), f"HEAD:{SETTINGS_NAME}", *(f":{name}" for name in rules))
    blobs = (file.blob for file in files)
    objects = repository.read_objects(chain(names, blobs, (f":{path}" for path in beside)), limit=BLOB_LIMIT)
    trust = take_trust(objects)
    job.settings_before = next(objects)[2]
    planned = take_rules(objects, rules)
    job.judge_by(with_named(trust, state_reader(repository, INDEX)), planned)
    job.beside = read_generators(beside, objects)
    return map(job.scanner.scan, _noting(job, files, read_staged(repository, files, objects)))


def _noting(job: ScanJob, files: Sequence[Staged], sources: Iterator[SourceFile]) -> Iterator[SourceFile]:
    """Pass files on, and note those that have ciphertexts."""
    for file, source in zip(files, sources, strict=True):
        if isinstance(source.blobs, tuple) and any(SIGN_BYTES in blob.data for blob in source.blobs):
            job.ciphertexts.append((file.path, file.blob))
        yield source
