"""Which folders rules are for: no pattern takes a file of others."""

import re

from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.ops.init.territory import Territories, file_regex, folder_regex

BOTH = frozenset({"production", "staging"})
ONE, OTHER = frozenset({"production"}), frozenset({"staging"})


def territories(owners, roots=("clusters/production", "clusters/staging")):
    return Territories(owners, frozenset(roots), BOTH)


def test_overlays_and_bases():
    found = territories(
        {
            "clusters/production/apps.yaml": ONE,
            "clusters/staging/apps.yaml": OTHER,
            "apps/a/base/x.yaml": BOTH,
            "apps/b/base/x.yaml": BOTH,
            "apps/a/production/x.yaml": ONE,
            "apps/b/production/x.yaml": ONE,
            "apps/a/staging/x.yaml": OTHER,
        }
    )
    folders = found.folders()
    assert folders[ONE] == ("apps/a/production", "apps/b/production", "clusters/production")
    assert folders[BOTH] == ("apps/a/base", "apps/b/base")
    wide = found.widened(folders[ONE], ONE)
    assert folder_regex(wide) == "^(apps/[^/]+/production|clusters/production)/"


def test_nothing_above_the_folder_that_a_cluster_syncs():
    found = territories({"clusters/production/a.yaml": ONE}, ["clusters/production"])
    assert found.folders() == {ONE: ("clusters/production",)}


def test_nothing_above_a_folder_with_the_name_of_an_environment():
    owners = {"apps/production/a.yaml": ONE, "apps/base/a.yaml": ONE, "infra/a.yaml": ONE}
    found = territories(owners, ["clusters/production"])
    assert found.folders() == {ONE: ("apps/base", "apps/production", "infra")}


def test_a_namespace_is_not_taken_for_the_environment_without_a_name():
    own = frozenset({"default"})
    owners = {"kubernetes/apps/default/a.yaml": own, "kubernetes/apps/media/a.yaml": own}
    found = Territories(owners, frozenset({"kubernetes/flux/cluster"}), own)
    assert found.folders() == {own: ("kubernetes/apps",)}


def test_one_root_is_the_whole_repository():
    found = Territories({"a/b.yaml": ONE, "c.yaml": ONE}, frozenset({""}), ONE)
    assert found.folders() == {ONE: ("",)}
    assert folder_regex(found.widened([""], ONE), r".*\.ya?ml$") == r"\.ya?ml$"


NAMES = st.sampled_from(["apps", "base", "production", "staging", "a", "b+", "(c"])
PATHS = st.lists(NAMES, min_size=2, max_size=5).map("/".join)
OWNERS = st.sampled_from([ONE, OTHER, BOTH, frozenset()])


@given(st.dictionaries(PATHS, OWNERS, max_size=12))
def test_a_pattern_takes_its_own_files_and_no_others(files):
    # A path that is a folder, too, can't be a file.
    owners = {path: whose for path, whose in files.items() if not any(f"{path}/" in each for each in files)}
    found = territories(owners)
    for whose, folders in found.folders().items():
        pattern = re.compile(folder_regex(found.widened(folders, whose)))
        taken = {path for path in owners if pattern.search(path)}
        assert {owners[path] for path in taken} <= {whose, frozenset()}
        assert taken >= {path for path in owners if any(path.startswith(f"{each}/") for each in folders)}
    for whose in set(owners.values()):
        mine = {path for path in owners if owners[path] == whose}
        pattern = re.compile(file_regex(found.widened(mine, whose)))
        assert {path for path in owners if pattern.search(path)} == mine
