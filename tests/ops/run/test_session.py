"""Which rule applies to a file, and what it holds."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import FileAccessError, LimitError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.run.session import Session
from fluxsecrets.records import replace
from fluxsecrets.sops.config import parse_config
from fluxsecrets.sops.formats import Limits

RULES = "creation_rules:\n  - path_regex: ^a/\n    age: []\n  - path_regex: ^b/\n    age: []\n"


@pytest.mark.parametrize(("path", "expected"), [("a/db.yaml", 0), ("b/db.yaml", 1), ("c/db.yaml", None)])
def test_the_rule_that_applies(tmp_path, path, expected):
    (tmp_path / ".sops.yaml").write_text(RULES, encoding="utf-8")
    session = Session(os.environ, tmp_path)
    rule = session.rule_for(tmp_path / path)
    assert (None if rule is None else rule.index) == expected
    tried = session.rules_for(tmp_path / path).matches
    assert [each.matched for each in tried] == ([False] * len(tried[:-1])) + [expected is not None]


def test_no_rule_applies_without_rules(tmp_path):
    assert Session(os.environ, tmp_path).rule_for(tmp_path / "db.yaml") is None


NAMES = st.sampled_from(["a", "b", ".", "..", "a.yaml", "é"])


@given(
    path=st.lists(NAMES, max_size=5),
    rules=st.sets(st.sampled_from(["", "a", "a/b", "a/b/a", "b/é"])),
    link=...,
)
def test_the_configuration_is_the_nearest_file_above(tmp_path_factory, path, rules, link: bool):
    root = tmp_path_factory.mktemp("tree")
    for folder in ("a/b/a", "b/é"):
        (root / folder).mkdir(parents=True)
    for folder in rules:
        place = root / folder / ".sops.yaml"
        if link:
            place.symlink_to(root / folder)  # a folder: not a file
        else:
            place.write_text(RULES, encoding="utf-8")
    start = root.joinpath(*path)
    candidates = (folder / ".sops.yaml" for folder in (start, *start.parents))
    expected = next((each for each in candidates if each.is_file()), None)
    session = Session(os.environ, root)
    assert session.find_config(start) == expected
    if expected is not None:
        applied = session.rules_for(start / "c")
        assert applied.relative_path == (start / "c").relative_to(expected.parent).as_posix()
        assert session.rule_for(start / "c") == applied.rule == session.rules_for(start / "c").rule


def test_the_rules_that_are_planned_count_at_once(tmp_path):
    (tmp_path / ".sops.yaml").write_text(RULES, encoding="utf-8")
    session = Session(os.environ, tmp_path)
    path = tmp_path / "a/new/db.yaml"
    assert session.rules_for(path).rule.index == 0
    session.plan_config(tmp_path / "a/new/.sops.yaml", parse_config(b"creation_rules: []\n", path="new"))
    assert session.rules_for(path).config.path == "new"
    session.plan_config(tmp_path / "a/new/.sops.yaml", parse_config(RULES.encode(), path="newer"))
    assert session.rules_for(path).config.path == "newer"


def test_rules_that_were_asked_for_before_are_those_of_the_run_that_asks(tmp_path):
    def text(indent):
        return f"stores: {{yaml: {{indent: {indent}}}}}\ncreation_rules: [{{age: []}}]\n".encode()

    def indent(session):
        found = session.rules_for(path)
        assert session.rules_for(path) == session.rules_for(path.with_name(path.name)) == found
        return found.config.stores.yaml_indent

    (tmp_path / "a").mkdir()
    for name, width in (".sops.yaml", 3), ("other.yaml", 4), ("a/other.yaml", 5):
        (tmp_path / name).write_bytes(text(width))
    path = tmp_path / "a" / "secret.yaml"
    session = Session({}, tmp_path)
    assert indent(session) == 3
    assert indent(session.with_configs({tmp_path / ".sops.yaml": text(6)})) == 6
    assert indent(replace(session, config_path=Path("other.yaml"))) == 4
    named = replace(session, config_path=Path("other.yaml"))
    assert indent(named) == 4
    assert indent(replace(named, cwd=tmp_path / "a")) == 5
    session.plan_config(tmp_path / "a" / ".sops.yaml", parse_config(text(7), path="new"))
    assert indent(session) == 7


def test_a_folder_that_cannot_be_searched_is_not_taken_for_one_without_rules(tmp_path, monkeypatch):
    real = os.stat

    def refused(path, *arguments, **named):
        if str(path).endswith(".sops.yaml"):
            raise PermissionError(errno.EACCES, "refused")
        return real(path, *arguments, **named)

    monkeypatch.setattr(os, "stat", refused)
    with pytest.raises(PermissionError):
        Session(os.environ, tmp_path).find_config(tmp_path)


def touched(path: Path, how: str) -> None:
    before = path.stat()
    if how == "changed":
        path.write_bytes(b"changed")
    elif how == "longer":
        path.write_bytes(b"longer than it was")
        os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns))
    elif how == "another":
        path.rename(path.with_name("kept"))
        path.write_bytes(b"another")
        os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns))
    elif how == "later":
        os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns + 1))


@pytest.mark.parametrize("how", ["", "changed", "longer", "another", "later"])
def test_what_was_read_ahead_is_what_is_there(tmp_path, how):
    session, path = Session(os.environ, tmp_path), tmp_path / "db.yaml"
    path.write_bytes(b"as it was")
    os.utime(path, ns=(10**18, 10**18))
    assert session.read_ahead(path) == b"as it was"
    touched(path, how)
    assert session.read(path) == read_file(path, limit=100)
    assert session.read(path) == read_file(path, limit=100)


def test_what_was_read_ahead_is_for_its_own_file_and_for_once(tmp_path, monkeypatch):
    session, one, other = Session(os.environ, tmp_path), tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"one")
    other.write_bytes(b"other")
    read = []
    monkeypatch.setattr(
        "fluxsecrets.ops.run.session.read_file",
        lambda path, **how: (read.append(path), read_file(path, **how))[1],
    )
    session.read_ahead(one)
    assert (session.read(one).data, read) == (b"one", [one])
    assert (session.read(one).data, read) == (b"one", [one, one])
    session.read_ahead(one)
    assert (session.read(other).data, session.read(one).data) == (b"other", b"one")
    assert read == [one, one, one, other, one]


def test_what_cannot_be_read_ahead_is_said_when_it_is_read(tmp_path):
    session, path = Session(os.environ, tmp_path), tmp_path / "db.yaml"
    path.write_bytes(b"as it was")
    session.read_ahead(path)
    path.unlink()
    with pytest.raises(FileAccessError):
        session.read(path)
    path.symlink_to(tmp_path / "elsewhere")
    session.limits = Limits(size=5)
    with pytest.raises(FileAccessError):
        session.read(path)
    path.unlink()
    path.write_bytes(b"too long")
    for read in (session.read_ahead, session.read):
        with pytest.raises(LimitError):
            read(path)
