"""Encrypted files that are moved and edited at once."""

from fluxsecrets.ops.review.moves import with_moves
from fluxsecrets.repo.states import Entry, FileChange
from fluxsecrets.repo.tree import make_tree

ONE = (
    b"a: ENC[AES256_GCM,data:AAAA,iv:BBBB,tag:CCCC,type:str]\n"
    b"b: ENC[AES256_GCM,data:DD==,iv:EE==,tag:FF,type:str]\n"
)
OTHER = b"c: ENC[AES256_GCM,data:XXXX,iv:YYYY,tag:ZZZZ,type:str]\n"


def joined(tmp_path, before, after):
    trees = tuple(make_tree(tmp_path, files, planned=files) for files in (before, after))
    entry = Entry("100644", "0")
    changes = [
        FileChange(
            path, path if path in before else None, before.get(path) and entry, after.get(path) and entry
        )
        for path in sorted({*before, *after})
    ]
    return [(each.path, each.old_path) for each in with_moves(trees, changes)]


def test_a_file_with_the_same_ciphertexts_was_moved(tmp_path):
    after = {"new.yaml": ONE.replace(b"AAAA", b"QQQQ")}
    assert joined(tmp_path, {"old.yaml": ONE}, after) == [("new.yaml", "old.yaml")]


def test_other_ciphertexts_are_another_file(tmp_path):
    found = joined(tmp_path, {"old.yaml": ONE}, {"new.yaml": OTHER})
    assert found == [("new.yaml", None), ("old.yaml", "old.yaml")]


def test_a_file_is_moved_once(tmp_path):
    found = joined(tmp_path, {"old.yaml": ONE}, {"a.yaml": ONE, "b.yaml": ONE})
    assert found == [("a.yaml", "old.yaml"), ("b.yaml", None)]
