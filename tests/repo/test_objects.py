"""Objects with other data."""

from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.repo.objects import Object, key_with, with_data

NAMES = st.sampled_from(["a", "b", "", 1, None, ["a"], {}])
DATA = st.fixed_dictionaries(
    {},
    optional={
        "apiVersion": st.sampled_from(["v1", "apps/v1", "", None, 1]),
        "kind": st.sampled_from(["Secret", "Namespace", "", None, ["Secret"]]),
        "metadata": st.none() | st.fixed_dictionaries({}, optional={"name": NAMES, "namespace": NAMES}),
    },
)


@given(
    st.sampled_from(["v1", "apps/v1"]),
    st.sampled_from(["Secret", "Namespace"]),
    st.sampled_from([None, "a", "b"]),
    DATA,
)
def test_its_key_and_its_former_names_follow_the_data(api_version, kind, namespace, data):
    item = Object(api_version, kind, "a", namespace, "a.yaml", 1, {}, names=((None, "first"),))
    changed = with_data(item, data)
    assert key_with(item, data) == changed.key
    renamed = (changed.namespace, changed.name) != (namespace, "a")
    assert changed.names == ((None, "first"), (namespace, "a"))[: 2 if renamed else 1]
    assert (changed.data, changed.file, changed.line) == (data, "a.yaml", 1)
