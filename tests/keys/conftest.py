"""Throw-away test keys, and data keys that sops wrapped for them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

VECTORS = Path(__file__).parents[1] / "vectors"


def secret_of(name):
    text = (VECTORS / "keys" / f"{name}.agekey").read_text(encoding="utf-8")
    return next(line for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-"))


@pytest.fixture(scope="session")
def key_folder():
    return VECTORS / "keys"


@pytest.fixture(scope="session")
def vectors():
    return VECTORS


@pytest.fixture(scope="session")
def secrets():
    """Private keys by name; every one is a throw-away test key."""
    return {name: secret_of(name) for name in ("alice", "bob", "cluster", "postquantum")}


@pytest.fixture(scope="session")
def recipients():
    """Public keys by name."""
    return json.loads((VECTORS / "keys" / "recipients.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def wrapped():
    """Data keys that sops wrapped: recipient, enc, and data_key in hexadecimal as age read it."""
    return json.loads((VECTORS / "age" / "wrapped.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def postquantum_age():
    """Skips where the `age` on PATH is older than 1.3, which knows no post-quantum keys."""
    keygen = shutil.which("age-keygen")
    if keygen is None or shutil.which("age") is None:
        pytest.skip("the age executables are not on PATH")
    if subprocess.run([keygen, "-pq"], capture_output=True, timeout=60, check=False).returncode != 0:
        pytest.skip("the age on PATH is older than 1.3, without post-quantum keys")


@pytest.fixture
def hidden(secrets):
    """Check that an error shows no private key, in anything that a log or a traceback prints."""

    def check(error, *more):
        chain = []
        while error is not None and error not in chain:
            chain.append(error)
            error = error.__cause__ or error.__context__
        shown = [
            text
            for one in chain
            for text in (
                str(one),
                repr(one),
                repr(one.args),
                repr(vars(one)),
                repr(getattr(one, "object", "")),
            )
        ]
        for private in (*secrets.values(), *more):
            for text in shown:
                assert private not in text
                assert private.lower() not in text.lower()

    return check


@pytest.fixture
def plugin(tmp_path):
    """Put age-plugin-xor into a folder; returns an environment in which it is on PATH, and logs its runs."""
    if sys.platform == "win32":
        pytest.skip("the plugin of the tests is a script, which Windows does not run")
    folder = tmp_path / "plugins"
    folder.mkdir()
    source = (Path(__file__).parent / "plugin_script.py").read_text(encoding="utf-8")
    program = folder / "age-plugin-xor"
    program.write_text(f"#!{sys.executable} -IS\n{source}", encoding="utf-8")
    program.chmod(0o755)
    return {"PATH": str(folder), "PLUGIN_LOG": str(tmp_path / "plugin.log")}
