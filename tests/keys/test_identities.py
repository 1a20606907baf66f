import os
import sys
from pathlib import Path

import pytest

from fluxsecrets.keys.identities import (
    Lookup,
    Place,
    RawKeyFile,
    config_folder,
    find_identities,
    home_folder,
    read_key_file,
)

HOME = Path("/home/ada")


def reader(files, mode=0o600):
    """Make a reader over a dictionary of path -> text or an OSError."""

    def read(path):
        content = files.get(path.as_posix())
        if content is None:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        if isinstance(content, OSError):
            raise content
        return RawKeyFile(content.encode(), mode)

    return read


def find(environ, files=None, *, platform="linux", home=HOME, mode=0o600) -> Lookup:
    return find_identities(environ, platform=platform, home=home, read=reader(files or {}, mode))


ALWAYS = ("~/.ssh/", "OS keyring")


def shown(lookup):
    """The places, without the SSH keys and the keyring, which are looked in always."""
    return [str(place) for place in lookup.places if not place.name.startswith(ALWAYS)]


DEFAULT = "/home/ada/.config/sops/age/keys.txt"


def test_nothing_set_looks_in_the_default_file_only():
    lookup = find({})
    assert shown(lookup) == ["~/.config/sops/age/keys.txt (missing)"]
    assert lookup.identities == lookup.problems == lookup.warnings == ()


def test_all_places_are_tried_in_order(secrets, recipients):
    lookup = find(
        {"SOPS_AGE_KEY_FILE": "/run/k.txt", "SOPS_AGE_KEY": f"\n{secrets['alice']}\n"},
        {"/run/k.txt": f"# one\n{secrets['bob']}\r\n", DEFAULT: secrets["cluster"]},
    )
    assert [identity.recipient for identity in lookup.identities] == [
        recipients["alice"],
        recipients["bob"],
        recipients["cluster"],
    ]
    assert [identity.origin for identity in lookup.identities] == [
        "SOPS_AGE_KEY, line 2",
        "SOPS_AGE_KEY_FILE (/run/k.txt), line 2",
        "~/.config/sops/age/keys.txt, line 1",
    ]
    assert shown(lookup) == [
        "SOPS_AGE_KEY (1 identity)",
        "SOPS_AGE_KEY_FILE (1 identity)",
        "~/.config/sops/age/keys.txt (1 identity)",
    ]


def test_the_variable_may_hold_several_on_a_line_or_on_lines(secrets):
    for gap in (" ", "\n", "\r\n", "\t"):
        lookup = find({"SOPS_AGE_KEY": gap.join([secrets["alice"], secrets["bob"]])})
        assert [place.found for place in lookup.places if not place.name.startswith(ALWAYS)] == [2, 0]
    assert shown(lookup)[0] == "SOPS_AGE_KEY (2 identities)"


def test_an_empty_variable_is_no_problem():
    lookup = find({"SOPS_AGE_KEY": "", "SOPS_AGE_KEY_FILE": ""})
    assert shown(lookup)[:2] == ["SOPS_AGE_KEY (none)", "SOPS_AGE_KEY_FILE (set, but empty)"]
    assert not lookup.problems


def test_a_named_file_that_is_missing_is_a_problem_and_the_rest_is_still_found(secrets):
    lookup = find({"SOPS_AGE_KEY_FILE": "/run/gone"}, {DEFAULT: secrets["alice"]})
    (problem,) = lookup.problems
    assert str(problem) == "/run/gone: SOPS_AGE_KEY_FILE names a file that does not exist"
    assert "unset" in problem.hint
    assert shown(lookup)[0] == "SOPS_AGE_KEY_FILE (missing)"
    assert len(lookup.identities) == 1


def test_a_tilde_in_the_variable_gets_a_hint():
    (problem,) = find({"SOPS_AGE_KEY_FILE": "~/key.txt"}).problems
    assert "~" in problem.hint


@pytest.mark.parametrize("variable", [True, False])
def test_an_unreadable_file_is_a_problem(variable):
    refused = PermissionError(13, "Permission denied", "/run/k")
    lookup = (
        find({"SOPS_AGE_KEY_FILE": "/run/k"}, {"/run/k": refused})
        if variable
        else find({}, {DEFAULT: refused})
    )
    (problem,) = lookup.problems
    assert "permission denied" in problem.message
    assert problem.path == ("/run/k" if variable else DEFAULT)
    assert "(not readable)" in shown(lookup)[0]


def test_a_malformed_line_is_reported_with_its_place(secrets, hidden):
    lookup = find({"SOPS_AGE_KEY": f"{secrets['alice']}\nrubbish-secret"}, {DEFAULT: "\n\nmore-rubbish"})
    first, second = lookup.problems
    assert (first.path, first.line) == ("SOPS_AGE_KEY", 2)
    assert (second.path, second.line) == (DEFAULT, 3)
    hidden(first, "rubbish-secret")
    hidden(second, "more-rubbish")
    assert shown(lookup) == [
        "SOPS_AGE_KEY (1 identity, malformed)",
        "~/.config/sops/age/keys.txt (malformed)",
    ]


def test_every_kind_in_every_place(secrets, recipients, key_folder):
    lookup = find(
        {
            "SOPS_AGE_SSH_PRIVATE_KEY_FILE": "/run/ssh",
            "SOPS_AGE_SSH_PRIVATE_KEY_CMD": "hunter2 one",
            "SOPS_AGE_KEY": f"{secrets['alice']} {secrets['postquantum']}",
            "SOPS_AGE_KEY_FILE": "/run/k",
            "SOPS_AGE_KEY_CMD": "hunter2 two",
        },
        {
            "/run/ssh": (key_folder / "ssh_rsa").read_text(),
            "/home/ada/.ssh/id_ed25519": (key_folder / "ssh_locked").read_text(),
            "/home/ada/.ssh/id_rsa": "rubbish",
            "/run/k": "age-encryption.org/v1\n-> scrypt x 18\n",
            DEFAULT: "AGE-PLUGIN-TEST-10Q32NLXM",
        },
    )
    assert [str(place) for place in lookup.places] == [
        "SOPS_AGE_SSH_PRIVATE_KEY_FILE (1 identity)",
        "SOPS_AGE_SSH_PRIVATE_KEY_CMD (asked when a file needs it)",
        "~/.ssh/id_ed25519 (protected by a passphrase)",
        "~/.ssh/id_rsa (not usable)",
        "SOPS_AGE_KEY (2 identities)",
        "SOPS_AGE_KEY_FILE (protected by a passphrase)",
        "SOPS_AGE_KEY_CMD (asked when a file needs it)",
        "~/.config/sops/age/keys.txt (1 identity)",
        "OS keyring (none)",
    ]
    kinds = [identity.kind for identity in lookup.identities]
    assert kinds == ["ssh", "x25519", "post-quantum", "plugin"]
    assert lookup.identities[0].recipient == recipients["ssh_rsa"].rpartition(" ")[0]
    assert [(one.name, one.public is not None) for one in lookup.locked] == [
        ("~/.ssh/id_ed25519", True),
        ("SOPS_AGE_KEY_FILE", False),
    ]
    assert [(one.name, one.ssh) for one in lookup.commands] == [
        ("SOPS_AGE_SSH_PRIVATE_KEY_CMD", True),
        ("SOPS_AGE_KEY_CMD", False),
    ]
    assert "hunter2" not in repr(lookup)
    assert "PRIVATE KEY" not in repr(lookup)
    assert not lookup.problems
    assert [problem.message for problem in lookup.ssh_problems] == ["this is not an SSH private key"]


def test_an_ssh_key_that_is_named_and_missing_is_a_problem():
    lookup = find({"SOPS_AGE_SSH_PRIVATE_KEY_FILE": "/run/gone", "SOPS_AGE_KEY_CMD": " "})
    (problem,) = lookup.problems
    assert "SOPS_AGE_SSH_PRIVATE_KEY_FILE names a file that does not exist" in str(problem)
    assert shown(lookup)[:2] == [
        "SOPS_AGE_SSH_PRIVATE_KEY_FILE (missing)",
        "SOPS_AGE_KEY_CMD (set, but empty)",
    ]
    assert not lookup.commands


def test_an_old_ssh_key_is_known_by_the_file_beside_it(key_folder):
    files = {
        "/home/ada/.ssh/id_rsa": (key_folder / "ssh_rsa_pem_locked").read_text(),
        "/home/ada/.ssh/id_rsa.pub": (key_folder / "ssh_rsa_pem_locked.pub").read_text(),
    }
    (locked,) = find({}, files).locked
    assert files["/home/ada/.ssh/id_rsa.pub"].startswith(str(locked.public))
    del files["/home/ada/.ssh/id_rsa.pub"]
    assert not find({}, files).locked


@pytest.mark.parametrize(
    ("mode", "platform", "warned"),
    [
        (0o600, "linux", False),
        (0o400, "linux", False),
        (0o700, "linux", False),
        (0o640, "linux", True),
        (0o604, "darwin", True),
        (0o620, "linux", True),
        (0o666, "win32", False),
        (None, "linux", False),
    ],
)
def test_a_key_file_that_others_can_read_is_warned_about(secrets, mode, platform, warned):
    lookup = find({"SOPS_AGE_KEY_FILE": "/run/k"}, {"/run/k": secrets["alice"]}, mode=mode, platform=platform)
    assert bool(lookup.warnings) is warned
    if warned:
        assert lookup.warnings[0].startswith("/run/k: ")
        assert f"{mode:04o}" in lookup.warnings[0]


@pytest.mark.parametrize(
    ("platform", "environ", "home", "folder"),
    [
        ("linux", {}, HOME, "/home/ada/.config"),
        ("linux", {"XDG_CONFIG_HOME": "/cfg"}, HOME, "/cfg"),
        ("linux", {"XDG_CONFIG_HOME": ""}, HOME, "/home/ada/.config"),
        ("linux", {"XDG_CONFIG_HOME": "relative"}, HOME, None),
        ("linux", {"APPDATA": "/no"}, HOME, "/home/ada/.config"),
        ("linux", {}, None, None),
        ("darwin", {}, HOME, "/home/ada/Library/Application Support"),
        ("darwin", {"XDG_CONFIG_HOME": "/cfg"}, HOME, "/cfg"),
        ("darwin", {"XDG_CONFIG_HOME": "relative"}, HOME, "relative"),
        ("win32", {"APPDATA": "C:/Users/ada/AppData/Roaming"}, HOME, "C:/Users/ada/AppData/Roaming"),
        ("win32", {"XDG_CONFIG_HOME": "/cfg"}, HOME, None),
    ],
)
def test_the_configuration_folder_is_the_one_of_sops(platform, environ, home, folder):
    expected = None if folder is None else Path(folder)
    assert config_folder(environ, platform, home) == expected


def test_without_a_configuration_folder_the_search_goes_on(secrets):
    lookup = find({"SOPS_AGE_KEY": secrets["alice"]}, home=None)
    assert len(lookup.identities) == 1
    assert shown(lookup)[-1] == "sops/age/keys.txt (no configuration folder is set)"


def test_home_comes_from_the_environment():
    assert home_folder({"HOME": "/home/ada", "USERPROFILE": "C:/ada"}, "linux") == HOME
    assert home_folder({"HOME": "/home/ada", "USERPROFILE": "C:/ada"}, "win32") == Path("C:/ada")
    assert home_folder({"HOME": ""}, "darwin") is None


def test_a_default_file_outside_the_home_is_named_in_full():
    assert shown(find({"XDG_CONFIG_HOME": "/cfg"})) == [f"{Path('/cfg/sops/age/keys.txt')} (missing)"]


def test_nothing_secret_in_the_repr(secrets):
    lookup = find({"SOPS_AGE_KEY": secrets["alice"]}, {DEFAULT: secrets["bob"]})
    assert len(lookup.identities) == 2
    assert "AGE-SECRET" not in repr(lookup)
    assert "AGE-SECRET" not in repr(RawKeyFile(secrets["alice"].encode()))


def test_places_read_well():
    assert str(Place("X")) == "X (none)"
    assert str(Place("X", 1)) == "X (1 identity)"
    assert str(Place("X", 2, "malformed")) == "X (2 identities, malformed)"


def test_real_files_are_read_with_a_limit(tmp_path, secrets, recipients):
    path = tmp_path / "k.txt"
    path.write_text(secrets["alice"], encoding="utf-8")
    path.chmod(0o600)
    environ = {"SOPS_AGE_KEY_FILE": str(path)}
    lookup = find_identities(environ, platform=sys.platform, home=tmp_path)
    assert [identity.recipient for identity in lookup.identities] == [recipients["alice"]]
    assert not lookup.warnings
    path.write_bytes(b"#" * (3 << 20))
    assert len(read_key_file(path).data) == (1 << 20) + 1
    (problem,) = find_identities(environ, platform=sys.platform, home=tmp_path).problems
    assert "larger than 1024 KiB" in problem.message


def test_a_folder_or_an_impossible_path_is_a_problem(tmp_path):
    for value in (str(tmp_path), "bad\0name"):
        lookup = find_identities({"SOPS_AGE_KEY_FILE": value}, platform=sys.platform, home=tmp_path)
        (problem,) = lookup.problems
        assert "cannot read this key file" in problem.message


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and links")
def test_a_link_to_an_open_file_is_followed_and_warned_about(tmp_path, secrets):
    target = tmp_path / "real.txt"
    target.write_text(secrets["alice"], encoding="utf-8")
    target.chmod(0o644)
    (tmp_path / "link.txt").symlink_to(target)
    lookup = find_identities(
        {"SOPS_AGE_KEY_FILE": str(tmp_path / "link.txt")}, platform=sys.platform, home=tmp_path
    )
    assert len(lookup.identities) == len(lookup.warnings) == 1


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="pipes have no path here")
def test_a_pipe_is_read(tmp_path, secrets):
    reading, writing = os.pipe()
    os.write(writing, secrets["alice"].encode())
    os.close(writing)
    try:
        lookup = find_identities(
            {"SOPS_AGE_KEY_FILE": f"/dev/fd/{reading}"}, platform=sys.platform, home=tmp_path
        )
    finally:
        os.close(reading)
    assert len(lookup.identities) == 1
    assert not lookup.warnings
