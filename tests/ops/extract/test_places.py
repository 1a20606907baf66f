"""What `scan` says of the kinds that values can be taken out of."""

from fluxsecrets.ops.extract.places import PLACES
from fluxsecrets.ops.extract.places.podenv import POD_SPECS
from fluxsecrets.scan.structure.places import CONTAINER, EXTRACTED


def test_scan_names_the_command_for_the_kinds_that_have_a_place():
    assert EXTRACTED[CONTAINER.id] == set(POD_SPECS)
    others = set().union(*EXTRACTED.values()) - set(POD_SPECS)
    assert others == {"HelmRelease", "ConfigMap"}
    assert {place.shown for place in PLACES} >= others
