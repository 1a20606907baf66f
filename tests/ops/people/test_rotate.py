"""Rotating every kind of file that sops wrote: new key, same plain text, and sops reads the result."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import RecipientError, UnprotectedError, UsageError
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.people.plans import Rekeying
from fluxsecrets.ops.people.rotate import (
    RotateOptions,
    _block,
    _changed,
    _compare,
    _with_versions,
    refuse_contradiction,
    rotate_target,
)
from fluxsecrets.ops.policy.given import GivenRecipients
from fluxsecrets.ops.policy.strangers import judge
from fluxsecrets.ops.run.results import Outcome
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.ops.run.writer import Operation
from fluxsecrets.sops.document import Comment
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.recipients import Recipient

VECTORS = Path(__file__).parents[2] / "vectors"
KEYS = json.loads((VECTORS / "keys" / "recipients.json").read_text(encoding="utf-8"))
CASES = [
    case
    for case in json.loads((VECTORS / "sops" / "cases.json").read_text(encoding="utf-8"))
    if all(name.endswith(".agekey") for name in case["identities"])
    and case["name"] != "shamir"  # one of its groups is a PGP key, which needs gpg
]
SOPS = shutil.which("sops")


def by_name(case):
    return case["name"]


def session_for(case, folder):
    """A session with the throw-away identities that the vector names, and a home without any other."""
    secrets = [
        line
        for name in case["identities"]
        for line in (VECTORS / name).read_text(encoding="utf-8").splitlines()
        if line.startswith("AGE-SECRET-KEY-")
    ]
    return Session(
        {"SOPS_AGE_KEY": "\n".join(secrets), "HOME": str(folder), "PATH": os.environ["PATH"]}, folder
    )


def opened(session, path, case):
    return open_file(make_format(case["format"]), path.read_bytes(), session.providers, session.limits)


def rotate(session, path, case, **options):
    # No rule is there that would allow the selectors of the vectors.
    options = {"accept_recipients": True, **options}
    targets = select(session, [path.name], input_type=case["format"]).targets
    rekeying = Rekeying(session, targets, rotate_target, RotateOptions(**options), Operation("rotate"))
    (result,) = rekeying.run(lambda prepared, _: prepared, write=True).files
    return result


def ciphertexts(file):
    return {item.text if isinstance(item, Comment) else item.value for _, item in file.opened.ciphertexts}


@pytest.fixture
def vector(tmp_path):
    def copy(case):
        path = tmp_path / Path(case["encrypted"]).name
        path.write_bytes((VECTORS / case["encrypted"]).read_bytes())
        return path

    return copy


def test_there_are_vectors():
    assert len(CASES) > 10
    assert {"yaml", "json", "dotenv", "ini", "binary"} == {case["format"] for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_rotated_file_has_a_new_key_and_the_same_plain_text(case, vector, tmp_path):
    path, session = vector(case), session_for(case, tmp_path)
    before = opened(session, path, case)
    result = rotate(session, path, case)
    assert result.error is None
    assert (result.outcome, result.new_data_key) == (Outcome.ROTATED, True)
    after = opened(session, path, case)
    assert after.text() == before.text()
    assert after.opened.data_key.reveal() != before.opened.data_key.reveal()
    assert after.metadata.recipients == before.metadata.recipients
    assert after.metadata.selector == before.metadata.selector
    assert after.metadata.mac_only_encrypted == before.metadata.mac_only_encrypted
    assert not ciphertexts(before) & ciphertexts(after)
    # Once more: what we wrote comes back byte for byte as well.
    assert rotate(session, path, case).outcome == Outcome.ROTATED
    assert opened(session, path, case).text() == before.text()


@pytest.mark.skipif(SOPS is None, reason="sops is not on PATH: whether it reads rotated files is not tried")
@pytest.mark.parametrize("case", CASES, ids=by_name)
def test_sops_reads_rotated_files(case, vector, tmp_path):
    path, session = vector(case), session_for(case, tmp_path)
    rotate(session, path, case)
    command = [SOPS, "-d", "--input-type", case["format"], "--output-type", case["format"], path.name]
    environment = {**os.environ, **session.environ}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    if case["sops_reads"]:
        assert done.stdout == (VECTORS / case["decrypted"]).read_bytes()


def test_unknown_metadata_survives(vector, tmp_path):
    case = next(case for case in CASES if case["name"] == "secret")
    path, session = vector(case), session_for(case, tmp_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("\nsops:\n", "\nsops:\n    future: {kept: true}\n", 1), encoding="utf-8")
    assert rotate(session, path, case).outcome == Outcome.ROTATED
    assert opened(session, path, case).metadata.unknown == (("future", {"kept": True}),)


def test_time_in_another_spelling_is_read(vector, tmp_path):
    # sops binds the MAC to the time as it formats it itself, whatever is written in the file.
    case = next(case for case in CASES if case["name"] == "secret")
    path, session = vector(case), session_for(case, tmp_path)
    written = opened(session, path, case).metadata.lastmodified
    assert written.endswith("Z")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(written, f"{written[:-1]}.000+00:00"), encoding="utf-8")
    before = opened(session, path, case)
    assert rotate(session, path, case).error is None
    assert opened(session, path, case).text() == before.text()


def test_comments_that_sops_cannot_read_back_are_mended(vector, tmp_path):
    case = next(case for case in CASES if case["name"] == "comments")
    path, session = vector(case), session_for(case, tmp_path)
    assert any(change.becomes_comment for change in opened(session, path, case).opened.changes)
    assert rotate(session, path, case).error is None
    assert not any(change.becomes_comment for change in opened(session, path, case).opened.changes)


def test_dry_run_writes_nothing(vector, tmp_path):
    path, session = vector(CASES[0]), session_for(CASES[0], tmp_path)
    before = path.read_bytes()
    assert rotate(session, path, CASES[0], write=False).outcome == Outcome.WOULD_ROTATE
    assert path.read_bytes() == before


def test_recipients_are_parsed_once_each():
    alice, bob = KEYS["alice"], KEYS["bob"]
    assert GivenRecipients({"age": [f"{alice},{bob}", alice], "pgp": []}).parsed() == (
        Recipient("age", alice),
        Recipient("age", bob),
    )
    with pytest.raises(RecipientError, match="has a blank in it"):
        GivenRecipients({"age": [f"{alice} {bob}"]}).parsed()


def test_adding_and_removing_one_and_the_same_is_refused():
    alice = Recipient("age", KEYS["alice"])
    with pytest.raises(UsageError, match="added and removed"):
        refuse_contradiction(RotateOptions(add=(alice,), remove=(alice,)))


ALICE, BOB, CLUSTER = (Recipient("age", KEYS[name]) for name in ("alice", "bob", "cluster"))
GROUPS = st.lists(
    st.lists(st.sampled_from([ALICE, BOB, CLUSTER]), max_size=2).map(tuple), min_size=1, max_size=3
).map(tuple)


@given(GROUPS)
def test_recipients_stay_as_they_are_where_none_is_added_or_removed(groups):
    """The same as removing somebody whom no group names."""
    stranger = Recipient("pgp", "85D77543B3D624B63CEA9E6DBC17301B491B3F21")
    outcomes = []
    for options in (RotateOptions(), RotateOptions(remove=(stranger,))):
        try:
            outcomes.append(_with_versions(_changed(groups, options), None))
        except UnprotectedError as error:
            outcomes.append(error.message)
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("case", [case for case in CASES if case["format"] == "yaml"], ids=by_name)
@pytest.mark.parametrize("ruled", [(ALICE,), (BOB, CLUSTER)], ids=["one", "others"])
def test_a_block_is_judged_by_its_recipients_alone(case, ruled, vector, tmp_path):
    """What the rule has against a file is the same with and without its wrapped keys."""
    path = vector(case)
    (tmp_path / ".sops.yaml").write_text(
        f"creation_rules:\n  - age: {','.join(each.id for each in ruled)}\n", encoding="utf-8"
    )
    session = session_for(case, tmp_path)
    (target,) = select(session, [path.name], input_type=case["format"]).targets
    file = opened(session, path, case)
    recipients, document = file.metadata.recipients, file.opened.document
    without_keys = judge(session, target.path, _block(file.metadata, recipients), document)
    assert _compare(session, target, file.metadata, document, recipients, RotateOptions()) == without_keys
