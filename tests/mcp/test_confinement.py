"""What an agent may name."""

import os

import pytest

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.mcp.confinement import Confinement


@pytest.fixture
def confined(tmp_path):
    root = tmp_path / "root"
    (root / "apps").mkdir(parents=True)
    (root / "apps" / "secret.yaml").write_text("a: b\n", encoding="utf-8")
    return Confinement(root.resolve())


@pytest.mark.parametrize("path", ["apps/secret.yaml", "apps", ".", "apps/new.yaml", "./apps/", "a b/ü.yaml"])
def test_paths_of_the_repository_are_taken(confined, path):
    assert not confined.inside(path).startswith(("/", ".."))


@pytest.mark.parametrize(
    "path",
    [
        *("..", "../x", "apps/../../x", "/etc/passwd", "C:\\x", "C:x", "\\\\host\\share", "..\\x", "~/x"),
        *("-", "--output=x", "a\nb", "a\0b", "\u202ex"),
        *(".git", ".git/config", "apps/.git/x", ".GIT/x", ".git./x", ".git::$INDEX_ALLOCATION/x", "GIT~1/x"),
    ],
)
def test_other_paths_are_refused(confined, path):
    with pytest.raises(FluxsecretsError):
        confined.inside(path)


@pytest.mark.skipif(os.name != "posix", reason="making links takes rights on Windows")
def test_a_link_may_lead_to_another_place_in_the_repository_only(confined, tmp_path):
    (tmp_path / "outside.yaml").touch()
    (confined.root / ".git").mkdir()
    (confined.root / "inner").symlink_to("apps")
    (confined.root / "outer").symlink_to(tmp_path)
    (confined.root / "git").symlink_to(".git")
    assert confined.inside("inner/secret.yaml") == "inner/secret.yaml"
    for path in ("outer/outside.yaml", "git/config"):
        with pytest.raises(FluxsecretsError):
            confined.inside(path)


def test_a_file_of_private_keys_is_refused_and_a_manifest_with_one_is_not(confined, identity):
    (confined.root / "age.agekey").write_text(f"# mine\n{identity.secret}\n", encoding="utf-8")
    (confined.root / "secret.yaml").write_text(f"key: {identity.secret}\n", encoding="utf-8")
    with pytest.raises(FluxsecretsError, match="private keys"):
        confined.inside("age.agekey")
    assert confined.inside("secret.yaml") == "secret.yaml"
