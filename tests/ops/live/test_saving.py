"""A dump that is saved: no value in it, and the same findings from it."""

import json
import stat
from base64 import b64encode

import pytest

from audit_tree import encrypted, repository, secret, session, write
from fluxsecrets.cluster.saved import FILE, KEY_FILE, SavedDump
from fluxsecrets.errors import ClusterError, UsageError
from fluxsecrets.ops.live.checks import CHECKS
from fluxsecrets.ops.live.saving import dump_hasher
from fluxsecrets.ops.live.verify import LiveRequest, verify_live
from livecluster import (
    PASSWORD,
    key_secret,
    live_controller,
    live_kustomization,
    live_secret,
    ready,
    sound,
    write_dump,
)

PLANTED = "planted-throwaway"


def broken():
    """A cluster with values in many places, and something to find."""
    item = live_kustomization(postBuild={"substitute": {"token": PLANTED}}, suspend=True)
    item["status"]["conditions"] = [ready("False", "BuildFailed", f'invalid value "{PLANTED}"')]
    copied = json.dumps({"stringData": {"password": PLANTED}})
    return sound(
        item,
        key_secret("bob"),
        live_controller(f"--token={PLANTED}", "--sops-age-secret=of-all"),
        live_secret("made", owner=None, values={"password": PLANTED}),
        live_secret(annotations={"kubectl.kubernetes.io/last-applied-configuration": copied}),
    )


@pytest.fixture
def saved(tmp_path):
    """Saves a dump of a cluster, and returns what was found in it."""

    def saved(objects, files=None):
        root = tmp_path / "repository"
        write(root, repository(files=files or {}).files)
        raw = write_dump(tmp_path / "raw", objects)
        request = LiveRequest("staging", dump=raw, save=tmp_path / "saved")
        return verify_live(session(root, "alice"), request, CHECKS)

    return saved


def again(tmp_path, who="alice"):
    """What is found in the saved dump."""
    here = session(tmp_path / "repository", who)
    return verify_live(here, LiveRequest("staging", dump=tmp_path / "saved"), CHECKS)


def test_no_value_is_in_it_and_the_findings_are_the_same(tmp_path, saved):
    first = saved(broken())
    folder = tmp_path / "saved"
    assert {each.name for each in folder.iterdir()} == {FILE, KEY_FILE}
    text = "".join(each.read_text("utf-8") for each in folder.iterdir())
    for value in (PASSWORD, PLANTED, "AGE-SECRET-KEY-"):
        assert value not in text
        assert b64encode(value.encode()).decode()[:-4] not in text
    assert [stat.S_IMODE((folder / name).stat().st_mode) for name in (FILE, KEY_FILE)] == [0o600] * 2
    assert first.findings
    assert again(tmp_path).findings == first.findings


def test_values_are_compared_by_whoever_can_open_the_key(tmp_path, saved):
    saved(sound(live_secret("made", owner=None, values={"password": PLANTED})))
    folder, here = tmp_path / "saved", session(tmp_path / "repository", "alice")
    hasher = dump_hasher(here, folder)
    read = SavedDump(folder, "saved", hasher).read(None)
    expected = hasher.digest("apps", "db", "password", PASSWORD.encode())
    assert read.secrets.get("apps", "db").digests == {"password": expected}
    # No file of the repository has the value of this one, so that nobody may try passwords out on it.
    assert read.secrets.get("apps", "made").digests == {"password": None}
    assert dump_hasher(session(tmp_path / "repository", "bob"), folder) is None
    closed = SavedDump(folder, "saved", None).read(None)
    assert closed.secrets.get("apps", "db").digests == {"password": None}


def test_a_value_that_no_file_has_has_no_hash(tmp_path, saved):
    note = {"some.tool/original": PLANTED}
    drifted = live_secret(values={"password": "changed-throwaway", "more": PLANTED}, annotations=note)
    first = saved(sound(drifted))
    hasher = dump_hasher(session(tmp_path / "repository", "alice"), tmp_path / "saved")
    read = SavedDump(tmp_path / "saved", "saved", hasher).read(None)
    assert set(read.secrets.get("apps", "db").digests.values()) == {""}
    assert PLANTED not in (tmp_path / "saved" / FILE).read_text("utf-8")
    assert again(tmp_path).findings == first.findings


def test_there_are_no_hashes_if_nobody_can_read_all_files(tmp_path, saved):
    saved(sound(), {"clusters/staging/other.yaml": encrypted(secret("other"), ("bob",))})
    assert [each.name for each in (tmp_path / "saved").iterdir()] == [FILE]
    assert '"password": null' in (tmp_path / "saved" / FILE).read_text("utf-8")


def test_nothing_is_overwritten(tmp_path, saved):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "mine").write_text("")
    with pytest.raises(UsageError, match="not a new or empty folder"):
        saved(sound())


def test_a_damaged_dump_is_an_error(tmp_path, saved):
    saved(sound())
    path = tmp_path / "saved" / FILE
    data = json.loads(path.read_text("utf-8"))
    for broken_data in ({**data, "version": 2}, {**data, "secrets": []}, {**data, "hashes_of": "x"}, []):
        path.write_text(json.dumps(broken_data), "utf-8")
        with pytest.raises(ClusterError):
            again(tmp_path)
