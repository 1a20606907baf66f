"""The report on somebody who left is right for random histories, as `histories` computes it."""

import json

import pytest
from tests.conftest import VECTORS
from tests.ops.people.histories import Expected, random_world

from fluxsecrets.ops.people.exposure import exposure
from fluxsecrets.ops.people.leavers import ReportRequest, report_of
from fluxsecrets.ops.people.offboard import RemoveRequest, plan_removal
from fluxsecrets.ops.run.session import Session

RECIPIENTS = json.loads((VECTORS / "keys/recipients.json").read_text())


@pytest.mark.parametrize("seed", range(16))
def test_every_row_is_right(seed, tmp_path, environment):
    world = random_world(RECIPIENTS, tmp_path, seed)
    compare(world, Expected(world), world.build(), tmp_path)


def compare(world, expected, commits, root):
    session = Session({"SOPS_AGE_KEY_FILE": str(VECTORS / "keys/alice.agekey"), "HOME": str(root)}, root)
    sealed = any(file.form == "sealed" for file in world.branches["main"].values())
    keys = (VECTORS / "keys/sealing.key",) if sealed else ()
    report = report_of(session, ReportRequest("bob", private_keys=keys))
    rows = {(each.path, each.key): each for each in report.left.values}
    assert {place: (each.state.value, each.here) for place, each in rows.items()} == {
        place: (state, here) for place, (state, here, _) in expected.rows.items()
    }
    assert {each.path for each in report.left.files} == expected.unseen
    settled = all(state in ("changed since", "not there any more") for state, _, _ in expected.rows.values())
    assert report.left.settled == (settled and not expected.unseen)
    if not world.branched:
        since = {
            place: commits[commit] if commit is not None else None
            for place, (*_, commit) in expected.rows.items()
        }
        assert {place: each.since and each.since.id for place, each in rows.items()} == since
    for no_report in (True, False):
        plan = plan_removal(session, RemoveRequest("bob", dry_run=True, no_report=no_report))
        assert {target.repository_path for target in plan.rekeying.targets} == expected.rekeyed
    for path, file in world.branches["main"].items():
        if file.form == "sops" and path in expected.rekeyed:
            (bob,) = (each for each in exposure(session, path).readers if each.name == "bob")
            assert (bob.still, bob.by_key) == (True, "bob" not in file.people)
            break
