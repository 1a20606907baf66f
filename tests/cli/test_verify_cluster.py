"""`fluxsecrets verify --cluster`."""

import shutil

import pytest

from audit_tree import repository, write
from kubeserver import Cluster, kube_server, write_kubeconfig
from livecluster import PASSWORD, key_secret, live_kustomization, sound, write_dump


@pytest.fixture
def root(tmp_path, act_as, monkeypatch):
    """The repository of `audit_tree`, in which the test runs as alice."""
    root = tmp_path / "repository"
    write(root, repository().files)
    monkeypatch.chdir(root)
    act_as("alice")
    return root


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--context", "x"], "--context needs --cluster"),
        (["--kubeconfig", "x"], "--kubeconfig needs --cluster"),
        (["--any-cluster"], "--any-cluster needs --cluster"),
        (["--save-dump", "x"], "--save-dump needs --cluster"),
        (["--from-dump", "x", "--context", "x"], "--context can't be combined with --from-dump"),
        (["--from-dump", "x", "--cluster"], "--cluster can't be combined with --from-dump"),
        (["--from-dump", "x", "--kubeconfig", "x"], "--kubeconfig can't be combined with --from-dump"),
        (["--cluster", "--all-envs"], "--all-envs can't be combined with --cluster"),
    ],
)
def test_options_that_make_no_sense_are_refused(root, cli, options, words):
    result = cli("verify", *options)
    assert (result.exit_code, words in result.stderr) == (2, True)


def test_a_dump_of_another_environment_is_refused(root, tmp_path, cli):
    dump = write_dump(tmp_path / "dump", sound(live_kustomization(path="./clusters/production")))
    result = cli("verify", "--env", "staging", "--from-dump", dump)
    assert result.exit_code == 2
    assert "applies 'clusters/production', not 'clusters/staging'" in result.stderr
    assert "hint: name its environment with --env, or compare all the same" in result.stderr


def test_a_dump_is_compared_saved_and_compared_again(root, tmp_path, cli):
    dump = write_dump(tmp_path / "dump", sound(live_kustomization(suspend=True)))
    first = cli("verify", "--from-dump", dump, "--save-dump", tmp_path / "saved")
    assert first.exit_code == 1
    assert "it is suspended in the cluster only" in first.stdout
    again = cli("verify", "--env", "staging", "--from-dump", tmp_path / "saved")
    assert (again.exit_code, again.stdout) == (1, first.stdout)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH: no cluster is read")
def test_the_context_of_the_settings_is_read_and_no_value_is_shown(root, tmp_path, cli, monkeypatch):
    with kube_server(Cluster(sound(key_secret("bob")))) as cluster:
        config = write_kubeconfig(tmp_path / "config", cluster.address, context="other", current=False)
        monkeypatch.setenv("KUBECONFIG", str(config))
        missing = cli("verify", "--env", "staging", "--cluster")
        assert (missing.exit_code, "does not have the current context" in missing.stderr) == (2, True)
        (root / ".fluxsecrets.yaml").write_text("environments: {staging: {context: other}}\n")
        for name in ("text", "json", "sarif", "markdown"):
            result = cli("verify", "--env", "staging", "--cluster", "--format", name)
            assert result.exit_code == 1
            assert "Secret sops-age has no key for 1 of its 1 encrypted files" in result.stdout
            assert PASSWORD not in result.stdout + result.stderr
            assert "AGE-SECRET-KEY" not in result.stdout + result.stderr
        assert cluster.refused == []
