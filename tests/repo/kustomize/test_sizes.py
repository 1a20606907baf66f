"""What doubles itself is not followed for ever."""

import pytest

from fluxsecrets.repo.kustomize.jsonpatch import TooLargeError, operate
from fluxsecrets.repo.kustomize.sizes import is_larger


def test_shared_values_count_each_time():
    value = {"a": "b"}
    for _ in range(60):
        value = {"a": value, "b": value}
    assert is_larger(value)
    assert not is_larger({"a": ["b", "c"]}, 4)
    assert is_larger({"a": ["b", "c"]}, 3)


def test_copies_of_copies_stop():
    operations = [{"op": "copy", "from": "/data", "path": f"/data/{number}"} for number in range(40)]
    with pytest.raises(TooLargeError):
        operate({"data": {"a": "b"}}, operations)


@pytest.mark.parametrize("depth", [200, 3000])
def test_maps_that_a_patch_nests_too_deeply(depth):
    operations = [{"op": "add", "path": "/data" + "/x" * number, "value": {}} for number in range(1, depth)]
    with pytest.raises(TooLargeError):
        operate({"data": {}}, operations)
