"""A scan of the whole work tree: what its end needs is found out while files are judged, and is the same."""

import os
import sys

import pytest

from fluxsecrets.errors import GitError
from fluxsecrets.ops.checks import scanworktree
from fluxsecrets.ops.checks.scan import scan
from fluxsecrets.ops.checks.scanjob import ScanJob
from fluxsecrets.ops.checks.scanmodel import ScanRequest
from fluxsecrets.repo.git.repository import Repository
from fluxsecrets.scan.engine import Engine

ENC = "ENC[AES256_GCM,data:aGk=,iv:" + "A" * 43 + "=,tag:" + "A" * 22 + "==,type:str]"
ENCRYPTED = f"a: {ENC}\nsops:\n  mac: {ENC}\n  version: 3.13.2\n"
APPLICATION = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: shop\n"
PLAIN = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\n"


@pytest.fixture(scope="module")
def engine(caches):
    return Engine(caches / "fluxsecrets")


@pytest.fixture
def tree(tmp_path, git):
    """A repository with a file that was encrypted at HEAD, one of another tool, and a link to that."""
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    (tmp_path / "was.yaml").write_text(ENCRYPTED)
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "encrypted")
    (tmp_path / "was.yaml").write_text(PLAIN)
    (tmp_path / "shop.yaml").write_text(APPLICATION)
    for number in range(20):
        (tmp_path / f"{number}.yaml").write_text(PLAIN)
    if sys.platform != "win32":
        (tmp_path / "link.yaml").symlink_to("shop.yaml")
    return tmp_path


def shown(result):
    errors = [str(error) for error in result.errors]
    return result._replace(findings=tuple(each.message for each in result.findings), errors=errors)


@pytest.mark.parametrize("processes", [1, 2])
def test_what_is_found_out_ahead_is_what_the_end_would_find(tree, engine, monkeypatch, processes):
    monkeypatch.setattr(scanworktree, "_CHUNK", 2)
    request = ScanRequest(tree, jobs=processes)
    late = shown(scan(request, engine))
    assert late.notes[0].path == "shop.yaml"
    assert late.findings
    monkeypatch.setattr(scanworktree, "_MANY", 10)
    asked = []
    monkeypatch.setattr(
        ScanJob, "look_ahead", lambda job, orig=ScanJob.look_ahead: asked.append(len(job.paths)) or orig(job)
    )
    assert shown(scan(request, engine)) == late
    assert asked == [scanworktree._BEFORE]


def test_what_git_can_not_say_is_an_error_of_the_end(tree, engine, monkeypatch):
    def refuse(_job):
        raise GitError("no")

    monkeypatch.setattr(ScanJob, "changed", property(refuse))
    late = shown(scan(ScanRequest(tree), engine))
    assert late.errors == ["no"]
    monkeypatch.setattr(scanworktree, "_MANY", 10)
    assert shown(scan(ScanRequest(tree), engine)) == late


@pytest.mark.parametrize(
    "request_of", [lambda tree: {"paths": (".",)}, lambda tree: {"listed": ("was.yaml",)}]
)
def test_git_lists_the_files_of_a_whole_tree_alone(tree, engine, monkeypatch, request_of):
    monkeypatch.setattr(Repository, "files_begun", None)
    assert scan(ScanRequest(tree, **request_of(tree)), engine).findings


def test_a_folder_that_is_no_repository_is_walked(tmp_path, engine):
    for number in range(3):
        (tmp_path / f"{number}.yaml").write_text(PLAIN)
    (tmp_path / "shop.yaml").write_text(APPLICATION)
    result = scan(ScanRequest(tmp_path), engine)
    assert result.files == 4
    assert [note.path for note in result.notes] == ["shop.yaml"]
    assert os.fspath(result.root) == os.fspath(tmp_path)
