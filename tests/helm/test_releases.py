"""The HelmReleases of the tests hold what they say."""

import yaml

from helm.releases import VALUES, releases


def at(data, path):
    for step in path:
        data = data[step]
    return data


def test_each_release_has_its_values_where_it_says():
    found = list(releases())
    assert len(found) >= 50
    for release in found:
        document = list(yaml.safe_load_all(release.content))[release.document]
        values = [at(document["spec"]["values"], key) for key in release.keys]
        assert values == list(release.planted), release.name


def test_every_kind_of_value_is_planted():
    planted = {repr(value) for release in releases() for value in release.planted}
    assert planted == set(map(repr, VALUES))
