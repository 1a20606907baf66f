"""Names of environments: telling, distinct, and the same whatever else is in the repository."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.repo.envnames import GENERIC_PARTS, name_roots, telling_parts


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("", "default"),
        ("clusters/production", "production"),
        ("clusters/eu/production", "eu-production"),
        ("kubernetes/flux", "default"),
        ("kubernetes/flux/cluster", "default"),
        ("kubernetes/flux/config", "default"),
        ("kubernetes/main/flux", "main"),
        ("kubernetes/main/cluster/config", "main"),
        ("kubernetes/home/main/flux", "home-main"),
        ("k8s/lab/config", "lab"),
        ("deploy/environments/staging", "staging"),
        ("deploy/staging", "staging"),
        ("infrastructure/flux/clusters/prod", "prod"),
        ("clusters/infrastructure", "infrastructure"),
        ("clusters/platform/dev", "platform-dev"),
        ("setup/flux/cluster", "setup"),
        ("services/shop/deploy/flux/live", "services-shop-live"),
    ],
)
def test_the_telling_parts_of_a_path_are_the_name(path, name):
    assert name_roots([path]) == {path: name}


def test_what_was_left_out_tells_apart_those_that_would_have_one_name():
    assert name_roots(["apps/staging", "infrastructure/staging", "clusters/live"]) == {
        "apps/staging": "apps-staging",
        "infrastructure/staging": "infrastructure-staging",
        "clusters/live": "live",
    }
    paths = ["kubernetes/prod", "prod/flux"]
    assert name_roots(paths) == {path: path for path in paths}


def test_a_name_that_is_taken_is_not_given_again():
    assert name_roots(["clusters/live"], ["live"]) == {"clusters/live": "clusters/live"}


PARTS = st.sampled_from(["eu", "us", "prod", "main", "apps", *sorted(GENERIC_PARTS)])
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)


@given(st.sets(PATHS, max_size=8), PATHS)
def test_every_root_has_a_name_of_its_own_that_tells_it(paths, more):
    names = name_roots(paths)
    assert names.keys() == paths
    assert len(set(names.values())) == len(paths)
    assert not any(name in GENERIC_PARTS for path, name in names.items() if telling_parts(path))
    # One more root changes only the name that it has in common with another
    later = name_roots({*paths, more})
    (taken,) = name_roots([more]).values()
    for path, name in names.items():
        if name_roots([path]) == {path: name}:
            assert later[path] == name or name == taken
