"""What changes its name in a new environment, and what does not."""

import pytest

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.newenv.naming import Naming, check_name, new_path, word_pair
from fluxsecrets.repo.tree import make_tree


@pytest.fixture
def naming(tmp_path):
    copied = ["clusters/production/apps.yaml", "apps/x/overlays/production/values-production.yaml"]
    files = [*copied, "apps/x/base/base.yaml", "charts/production/chart.yaml", "values/production.yaml"]
    for path in files:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    return Naming(
        make_tree(tmp_path, files),
        "production",
        "dr",
        "production",
        "dr",
        {path: new_path(path, "production", "dr") for path in copied},
        fixed=frozenset({"letsencrypt-production"}),
        known=frozenset({"production-sync"}),
    )


@pytest.mark.parametrize(
    ("text", "renamed"),
    [
        ("path: ./clusters/production", "path: ./clusters/dr"),
        ("path: clusters/production/", "path: clusters/dr/"),
        ("- values-production.yaml", "- values-dr.yaml"),
        ("- ../../../../clusters/production/apps.yaml", "- ../../../../clusters/dr/apps.yaml"),
        ("name: production-sync", "name: dr-sync"),
        ("cluster: production", "cluster: dr"),
        ("a: [x,production]", "a: [x,dr]"),
        ("name: &production 'production'", "name: &dr 'dr'"),
        # what stays
        ("- ../../../../charts/production", "- ../../../../charts/production"),
        ("- ../../../../values/production.yaml", "- ../../../../values/production.yaml"),
        ("issuer: letsencrypt-production", "issuer: letsencrypt-production"),
        ("preproduction, productions", "preproduction, productions"),
        ("PRODUCTION: x", "PRODUCTION: x"),
    ],
)
def test_known_names(naming, text, renamed):
    new, look_over = naming.text(f"{text}\n", "apps/x/overlays/production/values-production.yaml")
    assert new == f"{renamed}\n"
    assert look_over == ()


def test_what_names_something_unknown_is_told_with_its_place(naming):
    text = (
        "# production, here\nstorage: ssd-production\nurl: https://production.waddle.example # production\n"
    )
    new, look_over = naming.text(text, "clusters/production/apps.yaml")
    assert new == "# dr, here\nstorage: ssd-dr\nurl: https://dr.waddle.example # dr\n"
    assert [(each.path, each.line, each.old, each.new) for each in look_over] == [
        ("clusters/dr/apps.yaml", 2, "ssd-production", "ssd-dr"),
        ("clusters/dr/apps.yaml", 3, "//production.waddle.example", "//dr.waddle.example"),
    ]


@pytest.mark.parametrize(
    ("path", "renamed"),
    [
        ("clusters/production/apps/production.yaml", "clusters/dr/apps/dr.yaml"),
        ("apps/production-tools/overlays/production/x.yaml", "apps/production-tools/overlays/dr/x.yaml"),
        ("apps/production-tools/base/x.yaml", "apps/production-tools/base/x.yaml"),
        ("talos/production-secrets.yaml", "talos/dr-secrets.yaml"),
        ("a/production/production-eu/x.yaml", "a/dr/dr-eu/x.yaml"),
        ("a/productions/x.yaml", "a/productions/x.yaml"),
    ],
)
def test_paths(path, renamed):
    assert new_path(path, "production", "dr") == renamed


@pytest.mark.parametrize(
    ("source", "root", "name", "pair"),
    [
        ("production", "clusters/production", "dr", ("production", "dr")),
        ("paris", "kubernetes/paris/flux", "lyon", ("paris", "lyon")),
        ("live", "clusters/production", "dr", ("production", "dr")),
        ("eu-production", "clusters/eu/production", "eu-dr", ("production", "dr")),
        ("eu-production", "clusters/eu/production", "dr", ("production", "dr")),
    ],
)
def test_the_word_in_paths(source, root, name, pair):
    assert word_pair(source, root, name) == pair


@pytest.mark.parametrize(
    ("source", "root", "name", "hint"),
    [
        ("default", "", "dr", "folder for each under clusters/"),
        ("default", "kubernetes/flux/cluster", "dr", "folder for each under clusters/"),
    ],
)
def test_what_cannot_be_named_after_another(source, root, name, hint):
    with pytest.raises(UsageError) as caught:
        word_pair(source, root, name)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "name", ["", "a/b", "..", "Dr", "1st", "a" * 41, "null", "on", "clusters", "a-", "\x1b"]
)
def test_names_that_paths_yaml_or_kubernetes_would_not_take(name):
    with pytest.raises(UsageError):
        check_name(name, ())


def test_a_word_that_yaml_reads_as_a_boolean_replaces_no_name():
    # Norway in clusters/eu: `namespace: no` would be false
    assert word_pair("eu-production", "clusters/eu/production", "eu-no") == ("production", "eu-no")
    assert word_pair("eu-production", "clusters/eu/production", "eu-dr") == ("production", "dr")
