"""Write a masked tree into a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from fluxsecrets.files.newfolder import NewFolder
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.waiting import waits_to_open
from fluxsecrets.repo.tree import normalise, parent

from .contents import Context, Job, mask_file, needs_masking
from .model import MaskedFile, MaskedTree, Remark
from .plan import Plan

LINK_LEADS_OUT = "a symbolic link that leads out of the repository is left out"
SUBMODULES = "submodules are left out: run the command in each of them"


def write_tree(context: Context, plan: Plan, out: NewFolder) -> MaskedTree:
    """Write a tree.

    Args:
        context: how its files are masked.
        plan: the tree.
        out: an empty folder.

    Raises:
        FileAccessError: a file can't be read or written.
        GitError: a content is missing.
    """
    jobs: list[Job] = []
    remarks: list[Remark] = []
    links: list[str] = []
    files = 0
    for path in plan.paths:
        target = plan.source.link(path)
        if target is not None:
            if _stays_inside(path, target):
                out.link(path, target)
                links.append(path)
            else:
                remarks.append(Remark(path, LINK_LEADS_OUT))
            continue
        done = _take(context, plan, path, out, jobs)
        files += done is None
        remarks += [] if done is None else [done]
    masked = tuple(_masked(context, plan, jobs, out))
    for path in [each for each in links if out.leads_out(each)]:
        out.unlink(path)
        remarks.append(Remark(path, LINK_LEADS_OUT))
    if plan.source.has_submodules:
        remarks.append(Remark(".gitmodules", SUBMODULES))
    left_out = sum(each.data is None for each in masked)
    return MaskedTree(plan.source.name, files - left_out, masked, tuple(remarks))


def _take(context: Context, plan: Plan, path: str, out: NewFolder, jobs: list[Job]) -> Remark | None:
    """Write a file, or make it a job; a remark if it is left out."""
    tree, secret = plan.tree, plan.secrets.get(path)
    size = tree.size(path)
    if size is None:
        return Remark(path, "neither a file nor a link: left out")
    executable = plan.source.is_executable(path)
    if size > tree.limits.size:
        if secret is not None:
            jobs.append(Job(path, b"", secret))  # its error says why
        elif path in tree.planned:
            return Remark(path, "too large to be read from git: left out")
        else:
            out.copy(path, tree.root / path, executable=executable)
        return None
    data = tree.read(path)
    if secret is not None or needs_masking(path, data, context.patches, as_is=context.options.as_is):
        jobs.append(Job(path, data, secret))
    else:
        out.write(path, data, executable=executable)
    return None


def _masked(context: Context, plan: Plan, jobs: Sequence[Job], out: NewFolder) -> Iterator[MaskedFile]:
    session = context.session
    found = run_jobs(partial(mask_file, context), jobs, waits=lambda job: waits_to_open(session, job.data))
    for job, each in zip(jobs, session.watched(found, len(jobs), "masking"), strict=True):
        if each.data is not None:
            out.write(job.path, each.data, executable=plan.source.is_executable(job.path))
        yield _without_data(each)


def _without_data(file: MaskedFile) -> MaskedFile:
    """The same for the result, which need not hold all contents."""
    return file if file.data is None else replace(file, data=b"")


def _stays_inside(path: str, target: str) -> bool:
    return bool(target) and normalise(target.replace("\\", "/"), parent(path)) is not None
