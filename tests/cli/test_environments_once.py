"""An environment is read once in a run, whichever parts of a command ask for it."""

import pytest

from fluxsecrets.repo import environments


@pytest.mark.parametrize("words", [("doctor",), ("init", "--dry-run"), ("keys", "list")])
def test_one_run_reads_each_environment_once(encrypted_waddle, cli, monkeypatch, words):
    walk, walked = environments.walk, []

    def note(tree, path, *rest):
        walked.append(path)
        return walk(tree, path, *rest)

    monkeypatch.setattr(environments, "walk", note)
    cli(*words)
    assert len(walked) > 1
    assert sorted(walked) == sorted(set(walked))
