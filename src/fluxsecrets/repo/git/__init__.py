"""The `git` executable: which files count, what changed since HEAD, what HEAD and history hold.

    process      starts git: the only function that does, with an environment and options of its own
    running      one git that runs, and the threads beside it
    repository   its listings and objects. Every call is tied to its place
    discovery    the repository that a folder belongs to
    plain        whether a repository is where its `.git` is, beyond doubt: git need not be asked
    bare         the repository that a folder is itself, without a work tree
    worktree     which files differ from HEAD, by git's index and our own hashing
    index        what is staged, and how to stage something else
    history      commits, what each changed, and the contents
    branch       the history that HEAD leads to, whose commits are listed once
    ahead        a history that git lists while a command does something else
    survey       what can be read of a history that is cut off or damaged
    conflicts    the three versions of a file in conflict
    mergefile    merges plain files as git does
    config       reads and writes the configuration of a repository
    attributes   what git's attributes say of files
    version      which git this is

A clone may hold a folder that git takes for a repository, with a configuration that names programs. So git
never looks for a repository by itself but once, where there is a `.git`; only commands run that start no
configured program; and nothing is fetched.
"""

from __future__ import annotations

from .discovery import find_repository
from .process import BLOB_LIMIT, LISTING_LIMIT, ended_here
from .repository import HeadBlobs, Repository

__all__ = ["BLOB_LIMIT", "LISTING_LIMIT", "HeadBlobs", "Repository", "ended_here", "find_repository"]
