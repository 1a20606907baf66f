"""Which files a command line names: many at once are what each is by itself."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select

NAMES = (
    "a/db.yaml",
    "./a/db.yaml",
    "a/../a/db.yaml",
    "a/link.yaml",
    "linked/db.yaml",
    "linked/../a/db.yaml",
    "a/generated.json",
    "a/missing.yaml",
    "a/db.yaml/below",
    "gone/db.yaml",
    "a/out.yaml",
    "a/loop.yaml",
    "nul\0.yaml",
    "a",
    "linked",
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = (tmp_path_factory.mktemp("tree") / "root").resolve()
    (root / "a").mkdir(parents=True)
    (root / "a/db.yaml").write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: eA==}\n")
    (root / "a/generated.json").write_text("{}")
    (root / "a/kustomization.yaml").write_text(
        "secretGenerator:\n  - name: x\n    files:\n      - key.env=generated.json\n"
    )
    (root / "a/link.yaml").symlink_to("db.yaml")
    (root / "linked").symlink_to("a")
    (root.parent / "elsewhere.yaml").touch()
    (root / "a/out.yaml").symlink_to(root.parent / "elsewhere.yaml")
    (root / "a/loop.yaml").symlink_to("loop.yaml")
    return root


def found(root: Path, names: list[str]) -> list[tuple[object, ...]]:
    targets = select(Session(os.environ, root), names).targets
    return [(*each._replace(problem=None), str(each.problem)) for each in targets]


@given(names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=6))
def test_many_are_what_each_is_by_itself(root, names):
    alone = {}
    for name in names:
        for target in found(root, [name]):
            alone.setdefault(target[0], target)
    assert found(root, names) == list(alone.values())


def test_what_each_is(root):
    def told(name: str) -> tuple[object, ...]:
        (target,) = select(Session(os.environ, root), [name]).targets
        problem = target.problem.message if target.problem is not None else None
        return str(target.path), target.format, problem

    db = (str(root / "a/db.yaml"), "yaml", None)
    for name in ("a/db.yaml", "./a/db.yaml", "a/link.yaml", "linked/db.yaml", str(root / "a/db.yaml")):
        assert told(name) == db
    missing = "there is no such file"
    for name in ("a/missing.yaml", "gone/db.yaml", "a/db.yaml/below"):
        assert told(name) == (str(root / name), "yaml" if name.endswith("yaml") else "binary", missing)
    assert told("nul\0.yaml")[2] is not None


def test_an_empty_path_is_refused(root):
    with pytest.raises(UsageError, match="a path is empty"):
        select(Session(os.environ, root), ["a/db.yaml", ""])


def test_many_are_looked_up_beside_something(root, git):
    folder = root.parent / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    names = []
    for number in range(450):
        names.append(f"apps/{number}/db.yaml")
        (folder / names[-1]).parent.mkdir(parents=True)
        (folder / names[-1]).write_text("a: 1\n")
    (folder / "apps/kustomization.yaml").write_text(
        "secretGenerator:\n  - name: x\n    files:\n      - key.env=7/db.yaml\n"
    )
    called = []

    def selected(names, beside):
        return select(Session(os.environ, folder), names, beside=beside).targets

    del names[70:]
    assert selected(names, lambda: called.append(1)) == selected(names, None)
    assert len(called) == 1
    assert [each.format for each in selected(names, None)].count("dotenv") == 1
    assert selected(names[:9], lambda: called.append(1)) == selected(names[:9], None)
    assert len(called) == 1
    with pytest.raises(LookupError):
        selected(names, {}.popitem)
