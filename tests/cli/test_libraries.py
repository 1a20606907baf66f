"""What a missing or broken library looks like: an error that names it, and never a traceback."""

import base64

import pytest

from fluxsecrets.cli.libraries import missing_library
from missing import run_without


@pytest.fixture
def blocked(tmp_path, caches):
    """Runs a command line in a Python that has not got a module; all tests share the compiled patterns."""
    env = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(caches)}
    (tmp_path / "secret.yaml").write_text("apiVersion: v1\nkind: Secret\nstringData:\n  a: throwaway\n")

    def run(module, *arguments, **more):
        return run_without(module, tmp_path, env, *arguments, **more)

    return run


@pytest.mark.parametrize(
    ("module", "package", "arguments"),
    [
        ("re2", "google-re2", ("scan", "secret.yaml")),
        ("yaml", "PyYAML", ("encrypt", "secret.yaml")),
        ("cryptography", "cryptography", ("keys", "generate")),
        ("click", "click", ("explain", "secret.yaml")),
    ],
)
def test_a_missing_library_is_named_with_what_to_do(blocked, tmp_path, module, package, arguments):
    ran = blocked(module, *arguments)
    assert ran.returncode == 2
    assert f"error: the Python package {package} is missing on this system: " in " ".join(ran.stderr.split())
    assert f"-m pip install --force-reinstall {package}`" in " ".join(ran.stderr.split())
    assert "Traceback" not in ran.stderr
    assert "throwaway" in (tmp_path / "secret.yaml").read_text()


def test_the_drop_in_names_it_too(blocked):
    ran = blocked("cryptography", "decrypt", "secret.yaml", entry="dropin.entry")
    assert ran.returncode != 0
    assert "Traceback" not in ran.stderr


def test_scanning_needs_no_hyperscan(blocked, tmp_path):
    made_up = base64.b64encode(bytes(range(60, 200, 5))).decode()
    (tmp_path / "x.env").write_text(f"DATABASE_PASSWORD={made_up}\n")
    ran = blocked("hyperscan", "scan", ".")
    assert ran.returncode == 1
    assert "x.env" in ran.stdout


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ModuleNotFoundError("x", name="re2"), "google-re2 is missing"),
        (ImportError("libre2.so.11: cannot open", name="_re2"), "google-re2 can't be loaded"),
        (ImportError("x", name="cryptography.hazmat.bindings._rust"), "cryptography can't be loaded"),
        (ModuleNotFoundError("x", name="_cffi_backend"), "cffi is missing"),
        (ModuleNotFoundError("x", name="yaml._yaml"), "PyYAML has no libyaml"),
    ],
)
def test_a_library_that_does_not_load_is_told_from_a_missing_one(error, text):
    assert text in missing_library(error).message


@pytest.mark.parametrize("name", ["fluxsecrets.scan.gone", "boto3", None])
def test_other_imports_are_not_explained_away(name):
    assert missing_library(ModuleNotFoundError("x", name=name)) is None
