"""Files of other environments at the same place."""

from fluxsecrets.ops.review.counterparts import counterparts

PATHS = [
    "clusters/production/db.yaml",
    "clusters/staging/db.yaml",
    "clusters/staging/other.yaml",
    "clusters/staging/deep/db.yaml",
    "apps/x/overlays/staging/db.yaml",
]


def test_the_same_path_but_for_one_folder():
    found = counterparts(["clusters/production/db.yaml"], PATHS)
    assert found == {"clusters/production/db.yaml": ("clusters/staging/db.yaml",)}


def test_without_a_counterpart():
    assert counterparts(["apps/x/overlays/staging/db.yaml"], PATHS) == {"apps/x/overlays/staging/db.yaml": ()}
    assert counterparts([], PATHS) == {}
