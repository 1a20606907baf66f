"""Which documents of three versions belong together."""

from fluxsecrets.merging.pairing import Pairing, pair


def named(name, namespace=None):
    metadata = {"name": name} | ({} if namespace is None else {"namespace": namespace})
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}


def test_documents_are_known_by_kind_namespace_and_name():
    base, ours, theirs = [named("a"), named("b")], [named("b"), named("a")], [named("a"), named("b", "x")]

    assert pair(base, ours, theirs) == [Pairing(1, 0, None), Pairing(0, 1, 0), Pairing(None, None, 1)]


def test_others_are_paired_by_their_order():
    base, ours, theirs = (
        [{"a": 1}, named("b"), {"c": 1}],
        [{"a": 2}, {"c": 2}],
        [named("b"), {"a": 3}, {"c": 3}],
    )

    assert pair(base, ours, theirs) == [Pairing(0, 0, 1), Pairing(2, 1, 2), Pairing(1, None, 0)]


def test_one_document_each_is_the_same_whatever_its_name():
    assert pair([named("a")], [named("b")], [named("a")]) == [Pairing(0, 0, 0)]
    assert pair(None, [named("b")], [named("a")]) == [Pairing(None, 0, 0)]


def test_a_name_that_occurs_twice_names_nothing():
    twice = [named("a"), named("a")]

    assert pair(twice, twice, twice) == [Pairing(0, 0, 0), Pairing(1, 1, 1)]
