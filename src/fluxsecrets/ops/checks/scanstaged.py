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
from fluxsecrets.scan.sources.staged import (
    Staged,
    kustomizations,
    list_staged,
    read_generators,
    staged_source,
)

from .scanjob import ScanJob
from .scanmodel import StagedCiphertexts

_HELD = 2**20
"""Bytes of files with ciphertexts that are held, with what they were parsed to, for who checks their MACs."""


def scan_staged(job: ScanJob) -> Iterator[FileScan]:
    """Read and judge what is staged.

    Raises:
        GitError: the folder is not in a repository, or git fails.
        ConfigError: settings or rules are invalid.
    """
    repository, reading = job.needed(), job.request.begun
    assert reading is not None  # noqa: S101 - `scan` sees to it
    job.listing = list_staged(repository, reading)
    files = [file for file in job.listing.files if job.is_chosen(file.path)]
    job.before = {file.path: file.before for file in files if file.before}
    # One git reads what is judged, what that is judged by, and what may read it: a commit waits for each.
    rules = rule_files(file.path for file in files)
    beside = kustomizations(file.path for file in files)
    names = (*trusted_names(INDEX), f"HEAD:{SETTINGS_NAME}", *(f":{name}" for name in rules))
    blobs = (file.blob for file in files)
    objects = reading.objects(chain(names, blobs, (f":{path}" for path in beside)), limit=BLOB_LIMIT)
    trust = take_trust(objects)
    job.settings_before = next(objects)[2]
    planned = take_rules(objects, rules)
    job.judge_by(with_named(trust, state_reader(repository, INDEX)), planned)
    job.beside = read_generators(beside, objects)
    return map(job.scanner.scan, _noting(job, files, objects))


def _noting(
    job: ScanJob, files: Sequence[Staged], objects: Iterator[tuple[str, str, bytes | None]]
) -> Iterator[SourceFile]:
    """The sources of files; those that have ciphertexts are noted."""
    room = _HELD
    for file in files:
        content = next(objects)
        source = staged_source(job.needed(), file, content)
        for blob in source.blobs if isinstance(source.blobs, tuple) else ():
            if SIGN_BYTES in blob.data:
                # What a scan leaves out, such as a byte order mark, is still there for sops.
                held = len(blob.data) <= room and blob.data == content[2]
                room -= len(blob.data) if held else 0
                job.ciphertexts.append(StagedCiphertexts(file.path, file.blob, blob if held else None))
        yield source
