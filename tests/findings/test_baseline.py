"""Baselines: what is known stops nobody, what is new does, what is gone is said."""

import json
import os

import pytest

from fluxsecrets.errors import ChangedError, ConfigError, FileAccessError
from fluxsecrets.findings.baseline import apply_baseline, read_baseline, update_baseline


def always(_entry):
    return True


def test_what_is_written_is_read_and_applied(tmp_path, make):
    path = tmp_path / "baseline.json"
    old, new = make(line=4), make(name="data.token")
    assert update_baseline(path, [old, old], always) == (1, None)
    entries = read_baseline(path)
    result = apply_baseline([make(line=70), new], entries, always)
    assert result.new == (new,)
    assert result.known == (make(line=70),)
    assert result.gone == ()


def test_a_baseline_holds_no_line_numbers_and_one_line_an_entry(tmp_path, make):
    path = tmp_path / "baseline.json"
    findings = [make(path="b.yaml", line=31), make(path="a.yaml", line=47)]
    update_baseline(path, findings, always)
    text = path.read_text(encoding="ascii")
    assert [item["path"] for item in json.loads(text)["findings"]] == ["a.yaml", "b.yaml"]
    assert "line" not in text
    before = path.read_bytes()
    update_baseline(path, reversed(findings), always)
    assert path.read_bytes() == before
    assert len(text.splitlines()) == 7


def test_what_is_fixed_is_gone_if_it_was_looked_for(tmp_path, make):
    path = tmp_path / "baseline.json"
    update_baseline(path, [make(path="a.yaml"), make(path="b.yaml")], always)
    entries = read_baseline(path)
    result = apply_baseline([], entries, lambda entry: entry.path == "a.yaml")
    assert [entry.path for entry in result.gone] == ["a.yaml"]


def test_entries_that_were_not_looked_for_are_kept(tmp_path, make):
    path = tmp_path / "baseline.json"
    update_baseline(path, [make(path="a.yaml"), make(path="b.yaml")], always)
    assert update_baseline(path, [], lambda entry: entry.path == "a.yaml") == (1, None)
    assert [entry.path for entry in read_baseline(path)] == ["b.yaml"]


@pytest.mark.skipif(os.name == "nt", reason="files have no groups there")
def test_a_group_that_cannot_be_kept_is_told(tmp_path, make, monkeypatch):
    path = tmp_path / "baseline.json"
    update_baseline(path, [make()], always)
    path.chmod(0o640)
    monkeypatch.setattr("fluxsecrets.files.access._keep_access", lambda *_: False)
    assert "its mode changed from 0640 to 0600" in update_baseline(path, [make()], always).note


@pytest.mark.parametrize("there", [True, False])
def test_an_edit_that_is_saved_meanwhile_is_not_overwritten(tmp_path, make, there):
    path = tmp_path / "baseline.json"
    if there:
        update_baseline(path, [make()], always)

    def findings():
        path.write_text("an edit")
        yield make()

    with pytest.raises(ChangedError if there else FileAccessError):
        update_baseline(path, findings(), always)
    assert path.read_text() == "an edit"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"version": "1"}',
        b'{"version": 1}',
        b'{"version": 2, "findings": []}',
        b'{"version": 1, "findings": [3]}',
        b'{"version": 1, "findings": [{"rule": "a", "path": "b"}]}',
        b'{"version": 1, "findings": [{"rule": "a", "path": "b", "fingerprint": 3}]}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_damaged_baseline_is_an_error(tmp_path, content):
    path = tmp_path / "baseline.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_baseline(path)
    assert caught.value.path == str(path)


def test_a_missing_baseline_is_an_error(tmp_path):
    with pytest.raises(FileAccessError):
        read_baseline(tmp_path / "baseline.json")
