"""The scope of a SealedSecret: which annotation counts, and what becomes of annotations when it is set."""

import pytest

from fluxsecrets.sealed.scopes import CLUSTER_WIDE, NAMESPACE_WIDE, Scope, scope_of, with_scope
from tables import each_row

ANNOTATIONS = [
    {},
    {"note": "x"},
    {NAMESPACE_WIDE: "true"},
    {CLUSTER_WIDE: "true", "note": "x"},
    {NAMESPACE_WIDE: "true", CLUSTER_WIDE: "true"},
    {NAMESPACE_WIDE: "true", CLUSTER_WIDE: "false"},
    {CLUSTER_WIDE: "True"},
]


@each_row("annotations", ANNOTATIONS)
@each_row("scope", list(Scope))
def test_annotations_say_the_scope_and_keep_all_else(annotations, scope):
    made = with_scope(annotations, scope)
    assert scope_of(made) is scope
    assert made.get("note") == annotations.get("note")


@pytest.mark.parametrize("annotations", ANNOTATIONS)
def test_annotations_that_say_it_stay_as_they_are(annotations):
    made = with_scope(annotations, scope_of(annotations))
    assert list(made.items()) == list(annotations.items())
