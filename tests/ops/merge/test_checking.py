"""The last check of a merged file: what is lost, doubled, mixed up or invented is refused."""

import re

import pytest

from fluxsecrets.errors import UnprotectedError
from fluxsecrets.merging import Merged, Side
from fluxsecrets.ops.merge import sealedsecrets, threeway, unsigned
from fluxsecrets.ops.merge.checking import check_merged
from fluxsecrets.ops.merge.model import Outcome
from fluxsecrets.sops.formats import Limits, make_format

from .conftest import SECRET, edited

YAML = make_format("yaml")


def parts(*documents):
    text = "---\n".join(f"{document}\n" for document in documents)
    if not documents:
        return ()
    return YAML.parse(text.encode(), Limits()).parts


def check(base, ours, theirs, result, picks=None):
    check_merged(
        *(None if side is None else parts(*side) for side in (base, ours, theirs, result)), picks or {}
    )


A, B, C = (f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nvalue: 1" for name in "abc")
A2, B2 = (each.replace("value: 1", "value: 2") for each in (A, B))

RIGHT = {
    "each side's document": ([A], [A, B], [A, C], [A, B, C]),
    "in another order": ([A, B], [A2, B], [A, B2], [B2, A2]),
    "a document that one side removed": ([A, B], [A, B2], [B], [B2]),
    "documents without names": (["x: 1", "x: 2"], ["x: 3", "x: 2"], ["x: 1", "x: 4"], ["x: 3", "x: 4"]),
    "equal documents": (["x: 1"], ["x: 1", "x: 1"], ["x: 1"], ["x: 1", "x: 1"]),
    "both changed a list": (["x: [1, 2]"], ["x: [0, 1, 2]"], ["x: [1, 2, 3]"], ["x: [0, 1, 2, 3]"]),
    "both added a map": (None, ["x: {a: 1}"], ["x: {b: 2}"], ["x: {a: 1, b: 2}"]),
}  # fmt: skip

WRONG = {
    "a document of ours is lost": ([A], [A, B], [A, C], [A, C]),
    "a document of theirs is lost": ([A], [A, B], [A, C], [A, B]),
    "an unchanged document is lost": ([A, B, C], [A2, B, C], [A, B2, C], [A2, B2]),
    "a document is there twice": ([A, B], [A2, B], [A, B2], [A2, B2, B2]),
    "a document is there twice, and another one is lost": ([A, B], [A2, B], [A, B2], [A2, A2]),
    "all documents are lost": ([A, B], [A2, B], [A, B2], []),
    "a removed document is back": ([A, B], [A, B2], [B], [A, B2]),
    "one of two equal documents is lost": (["x: 1"], ["x: 1", "x: 1"], ["x: 1", "y: 1"], ["x: 1", "y: 1"]),
    "an item of theirs is lost": (["x: [1, 2]"], ["x: [0, 1, 2]"], ["x: [1, 2, 3]"], ["x: [0, 1, 2]"]),
    "an item of both is lost": (["x: [1, 2]"], ["x: [0, 1, 2]"], ["x: [1, 2, 3]"], ["x: [0, 1, 3]"]),
    "an item is there twice": (["x: [1]"], ["x: [0, 1]"], ["x: [1, 2]"], ["x: [0, 0, 1, 2]"]),
    "a key is lost": (["a: 1"], ["a: 1\nb: 1"], ["a: 1\nc: 1"], ["a: 1\nb: 1"]),
    "a removed key is back": (["a: 1\nb: 1"], ["a: 2\nb: 1"], ["a: 1"], ["a: 2\nb: 1"]),
    "a value of the base is back": ([A, B], [A2, B], [A, B2], [A, B2]),
    "a value of neither side": (["a: 1\nb: 1"], ["a: 2\nb: 1"], ["a: 1\nb: 2"], ["a: 2\nb: 3"]),
    "a value of another type": (["a: 1\nb: 1"], ["a: 2\nb: 1"], ["a: 1\nb: 2"], ["a: 2\nb: '2'"]),
    "a conflict that nobody settled": (["a: 1"], ["a: 2"], ["a: 3"], ["a: 2"]),
}  # fmt: skip


@pytest.mark.parametrize("versions", RIGHT.values(), ids=RIGHT)
def test_what_a_merge_gives_passes(versions):
    check(*versions)


@pytest.mark.parametrize("versions", WRONG.values(), ids=WRONG)
def test_anything_else_is_refused(versions):
    with pytest.raises(UnprotectedError, match="did not pass its own check"):
        check(*versions)


def test_a_settled_conflict_has_the_side_that_was_picked():
    versions = ["a: 1\nb: 1"], ["a: 2\nb: 2"], ["a: 3\nb: 3"]
    picks = {(0, ("a",)): Side.OURS, (0, ("b",)): Side.THEIRS}
    check(*versions, ["a: 2\nb: 3"], picks)
    for other in ("a: 3\nb: 3", "a: 2\nb: 2", "a: 3\nb: 2", "a: 1\nb: 3"):
        with pytest.raises(UnprotectedError):
            check(*versions, [other], picks)


def test_a_pick_is_for_one_document():
    one, two = ([A, B.replace("1", "1 # b")], {(1, ("value",)): Side.THEIRS})
    versions = one, [A2, B2], [A, B.replace("value: 1", "value: 3")]
    check(*versions, [A2, B.replace("value: 1", "value: 3")], two)
    with pytest.raises(UnprotectedError):
        check(*versions, [A2, B2], two)


@pytest.mark.parametrize("with_key", [True, False], ids=["with-an-identity", "without-one"])
def test_a_merge_that_loses_a_value_writes_nothing(desk, strangers_session, monkeypatch, with_key):
    base = desk.encrypt(SECRET)
    ours = desk.encrypt(edited(password="throwaway-1"), base)
    theirs = desk.encrypt(edited(token="throwaway-2"), base)
    for module in (threeway, unsigned):
        monkeypatch.setattr(module, "merge", lambda *given: Merged(given[2].source.encode()))
    result = desk.merge(base, ours, theirs, None if with_key else strangers_session)
    assert (result.outcome, result.data) == (Outcome.REFUSED, ours)
    assert "did not pass its own check" in result.reason.message


def test_a_merge_that_loses_a_document_writes_nothing(desk, monkeypatch):
    two = f"{SECRET}---\n{SECRET.replace('name: db', 'name: other')}"
    base = desk.encrypt(two)
    ours = desk.encrypt(two.replace("throwaway-token", "throwaway-1", 1), base)
    theirs = desk.encrypt(two.replace("throwaway-user", "throwaway-2"), base)
    merge = threeway.merge

    def lossy(*given):
        merged = merge(*given)
        return Merged(re.sub(rb"(?s)^---\n.*", b"", merged.data, flags=re.MULTILINE))

    monkeypatch.setattr(threeway, "merge", lossy)
    result = desk.merge(base, ours, theirs)
    assert (result.outcome, result.data) == (Outcome.REFUSED, ours)
    assert "did not pass its own check" in result.reason.message


def test_a_sealed_secret_that_loses_a_value_is_not_merged_by_key(desk, monkeypatch):
    text = "kind: SealedSecret\nspec:\n  encryptedData:\n    a: {}\n    b: {}\n"
    versions = sealedsecrets.Versions(*(text.format(*each).encode() for each in ("11", "21", "12")))
    labels = threeway.Labels("ours", "base", "theirs")
    assert sealedsecrets.merge_sealed(desk.session, YAML, versions, labels).clean
    monkeypatch.setattr(sealedsecrets, "merge", lambda *given: Merged(given[2].source.encode()))
    assert sealedsecrets.merge_sealed(desk.session, YAML, versions, labels) is None
