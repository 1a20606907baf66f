"""Which files git tracks, or would."""

from fluxsecrets.ops.people import keystore
from fluxsecrets.ops.people.keystore import those_committed, would_be_committed


def test_many_files_at_once_are_as_each_alone(tmp_path, git, monkeypatch):
    outer, inner, outside = tmp_path / "outer", tmp_path / "outer/keys/inner", tmp_path / "outside"
    inner.mkdir(parents=True)
    outside.mkdir()
    for folder in (outer, inner):
        git(folder, "init", "--quiet", ".")
        (folder / ".gitignore").write_text("*.ignored\ntracked.*\n")
    names = ("a.pub", "b.ignored", "tracked.pub", "[c]*.pub", "-d.pub")
    paths = [folder / name for folder in (outer, outer / "keys", inner, outside) for name in names]
    for path in paths:
        path.write_text("text")
    (outer / "keys/link.pub").symlink_to(outer / "keys/b.ignored")
    (outer / "keys/away.pub").symlink_to(outside / "a.pub")
    paths += [outer / "keys/link.pub", outer / "keys/away.pub", outer / "keys/missing.pub"]
    for folder in (outer, inner):
        git(folder, "add", "--force", "tracked.pub")
    alone = {path for path in paths if would_be_committed(path)}
    assert {outer / "keys/a.pub", inner / "tracked.pub", outer / "keys/-d.pub"} <= alone
    assert outer / "keys/link.pub" not in alone
    assert those_committed(paths) == alone
    assert those_committed([]) == frozenset()
    monkeypatch.setattr(keystore, "_FEW", 2)
    assert those_committed(paths) == alone
