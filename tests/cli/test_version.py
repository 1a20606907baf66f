"""`fluxsecrets version`."""

import json
import platform

from fluxsecrets import __version__


def test_versions_are_those_of_this_process(cli):
    lines = cli("version").stdout.splitlines()
    assert lines[:2] == [
        f"fluxsecrets {__version__}",
        f"{platform.python_implementation()} {platform.python_version()}",
    ]
    shown = json.loads(cli("version", "--format", "json").stdout)
    libraries = {each["name"].lower(): each for each in shown["libraries"]}
    assert libraries["pyyaml"]["version"]
    assert libraries["pyyaml"]["extra"] is None
    assert libraries["boto3"]["extra"] == "aws"
    assert not libraries.keys() & {"pytest", "mypy", "hypothesis"}


def test_a_missing_library_is_shown_as_missing(cli, monkeypatch):
    monkeypatch.setattr(
        "importlib.metadata.requires", lambda _: ["Some_Lib.x[a]>=1 ; extra == 'aws'", "click>=8"]
    )
    assert cli("version").stdout.splitlines()[-1] == "  aws: Some_Lib.x (missing)"


def test_a_program_without_metadata_still_has_a_version(cli, monkeypatch):
    from importlib.metadata import PackageNotFoundError

    def requires(_name):
        raise PackageNotFoundError

    monkeypatch.setattr("importlib.metadata.requires", requires)
    shown = json.loads(cli("version", "--format", "json").stdout)
    assert (shown["fluxsecrets"], shown["libraries"]) == (__version__, [])
