"""`fluxsecrets merge-driver`, called by real git."""

from tests.conftest import run_git

from .conftest import ciphertexts, commit, merge, secret, three, two_branches


def test_a_file_without_secrets_is_merged_line_by_line(repository, git):
    three(repository, git, "values.yaml", "a: 1\n\n\nb: 1\n", "a: 2\n\n\nb: 1\n", "a: 1\n\n\nb: 2\n")
    assert merge(repository, "merge", "--no-edit", "other").returncode == 0
    assert (repository.path / "values.yaml").read_text(encoding="utf-8") == "a: 2\n\n\nb: 2\n"


def test_a_conflict_in_a_file_without_secrets_has_markers_as_from_git(repository, git):
    three(repository, git, "values.yaml", "a: 1\n", "a: 2\n", "a: 3\n")
    merged = merge(repository, "-c", "merge.conflictStyle=diff3", "merge", "--no-edit", "other")
    assert merged.returncode == 1
    lines = (repository.path / "values.yaml").read_text(encoding="utf-8").splitlines()
    assert [line[:7] for line in lines] == ["<" * 7, "a: 2", "|" * 7, "a: 1", "=" * 7, "a: 3", ">" * 7]


def test_a_plain_secret_is_not_merged(repository, git):
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\nstringData:\n  a: {}\n\n\n  b: {}\n"
    versions = [secret.format(*values) for values in (("x1", "x1"), ("x2", "x1"), ("x1", "x2"))]
    three(repository, git, "db.yaml", *versions)
    merged = merge(repository, "merge", "--no-edit", "other")
    assert merged.returncode == 1
    assert "plain text is not merged" in merged.stderr
    assert (repository.path / "db.yaml").read_text(encoding="utf-8") == versions[1]


def test_values_that_one_side_changed_are_merged(repository, git, encrypt, cli):
    ours, theirs = secret(password="throwaway-two"), secret(token="throwaway-new")
    two_branches(repository, git, encrypt, secret(), ours, theirs)
    before = (repository.path / "secret.yaml").read_text(encoding="utf-8")
    merged = merge(repository, "merge", "--no-edit", "other")
    assert merged.returncode == 0, merged.stderr
    assert merged.stderr == ""
    decrypted = cli("decrypt", "secret.yaml")
    assert decrypted.stdout == secret(password="throwaway-two", token="throwaway-new")
    after = (repository.path / "secret.yaml").read_text(encoding="utf-8")
    changed = set(after.splitlines()) - set(before.splitlines())
    assert {line.strip().partition(":")[0] for line in changed} - {"lastmodified"} == {"mac", "token"}


def test_a_conflict_has_markers_around_the_two_ciphertexts_of_that_value(repository, git, encrypt):
    ours = secret(password="throwaway-two", username="throwaway-me")
    theirs = secret(password="throwaway-three", token="throwaway-new")
    two_branches(repository, git, encrypt, secret(), ours, theirs)
    merged = merge(repository, "merge", "--no-edit", "other")
    assert merged.returncode == 1
    assert "secret.yaml: conflict in stringData.password" in merged.stderr
    assert "fluxsecrets resolve secret.yaml" in merged.stderr
    lines = (repository.path / "secret.yaml").read_text(encoding="utf-8").splitlines()
    start = lines.index("<<<<<<< HEAD")
    assert lines[start + 1 : start + 5] == [
        ciphertexts(repository, "HEAD", "password"),
        "=======",
        ciphertexts(repository, "other", "password"),
        ">>>>>>> other",
    ]
    assert sum(line.startswith(("<<<<<<<", ">>>>>>>")) for line in lines) == 2
    assert ciphertexts(repository, "other", "token") in lines
    assert ciphertexts(repository, "HEAD", "username") in lines


def test_a_conflict_shows_the_base_in_the_style_diff3(repository, git, encrypt):
    two_branches(
        repository, git, encrypt, secret(), secret(password="throwaway-2"), secret(password="throwaway-3")
    )
    git(repository.path, "config", "merge.conflictStyle", "diff3")
    assert merge(repository, "merge", "other").returncode == 1
    lines = (repository.path / "secret.yaml").read_text(encoding="utf-8").splitlines()
    middle = lines.index("||||||| base")
    base = run_git(repository.path, "merge-base", "HEAD", "other").strip()
    assert lines[middle + 1] == ciphertexts(repository, base, "password")


def test_without_an_identity_the_mac_is_a_conflict_and_the_values_are_merged(
    repository, git, encrypt, monkeypatch, tmp_path
):
    two_branches(
        repository, git, encrypt, secret(), secret(password="throwaway-2"), secret(token="throwaway-3")
    )
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(tmp_path / "missing"))
    merged = merge(repository, "merge", "--no-edit", "other")
    assert merged.returncode == 1
    assert "the MAC is missing" in merged.stderr
    lines = (repository.path / "secret.yaml").read_text(encoding="utf-8").splitlines()
    inside = lines[lines.index("<<<<<<< HEAD") + 1 : lines.index("=======")]
    assert {line.strip().partition(":")[0] for line in inside} <= {"lastmodified", "mac"}
    assert sum(line.startswith("<<<<<<<") for line in lines) == 1
    for revision, key in (("HEAD", "password"), ("other", "token")):
        assert ciphertexts(repository, revision, key) in lines


def test_a_side_with_a_wrong_mac_is_not_merged(repository, git, encrypt):
    two_branches(
        repository, git, encrypt, secret(), secret(password="throwaway-2"), secret(token="throwaway-3")
    )
    git(repository.path, "checkout", "--quiet", "other")
    text = (repository.path / "secret.yaml").read_text(encoding="utf-8")
    commit(repository, git, "secret.yaml", text.replace("name: db", "name: db2"))
    git(repository.path, "checkout", "--quiet", "main")
    before = (repository.path / "secret.yaml").read_bytes()
    merged = merge(repository, "merge", "--no-edit", "other")
    assert merged.returncode == 1
    assert "the version of the other branch: the MAC does not match" in merged.stderr
    assert (repository.path / "secret.yaml").read_bytes() == before


def test_a_side_in_plain_text_is_not_merged_and_not_written(repository, git, encrypt):
    two_branches(
        repository, git, encrypt, secret(), secret(password="throwaway-2"), secret(token="throwaway-3")
    )
    git(repository.path, "checkout", "--quiet", "other")
    commit(repository, git, "secret.yaml", secret(token="throwaway-plain"))
    git(repository.path, "checkout", "--quiet", "main")
    before = (repository.path / "secret.yaml").read_bytes()
    merged = merge(repository, "merge", "--no-edit", "other")
    assert merged.returncode == 1
    assert "encrypted on one side and plain text on the other" in merged.stderr
    assert (repository.path / "secret.yaml").read_bytes() == before


SEALED = """\
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: db
spec:
  encryptedData:
    password: {}
    token: {}
"""


def test_sealed_secrets_merge_by_key_without_any_key(repository, git):
    versions = (SEALED.format(*each) for each in (("AgA", "AgB"), ("AgC", "AgB"), ("AgA", "AgD")))
    three(repository, git, "sealed.yaml", *versions)
    merged = merge(repository, "merge", "--no-edit", "other")
    assert merged.returncode == 0, merged.stderr
    assert (repository.path / "sealed.yaml").read_text(encoding="utf-8") == SEALED.format("AgC", "AgD")


def test_a_value_that_both_sides_sealed_is_a_conflict(repository, git):
    versions = (SEALED.format(*each) for each in (("AgA", "AgB"), ("AgC", "AgB"), ("AgD", "AgE")))
    three(repository, git, "sealed.yaml", *versions)
    merged = merge(repository, "merge", "--no-edit", "other")
    assert merged.returncode == 1
    assert "conflict in spec.encryptedData.password" in merged.stderr
    text = (repository.path / "sealed.yaml").read_text(encoding="utf-8")
    assert (
        "<<<<<<< HEAD\n    password: AgC\n=======\n    password: AgD\n>>>>>>> other\n    token: AgE\n" in text
    )
