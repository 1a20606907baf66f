"""Light imports import the same.

What finds the modules of fluxsecrets finds the same as Python does, or leaves it to Python. `pathlib` without
`urllib.parse` is the same but for what is imported.
"""

import importlib.util
import os
import py_compile
import subprocess
import sys
import tempfile
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fluxsecrets
from fluxsecrets.cli import lightimports

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Python finds everything there")

SOURCE = Path(fluxsecrets.__file__).parent
NAME = "fluxsecrets.example"
PREPARED = "import sys; from fluxsecrets.cli.lightimports import prepare; prepare(); prepare(); "
FINDERS = "print([type(each).__name__ for each in sys.meta_path].count('_Finder'))"


def finder():
    suffix = lightimports._suffix(lightimports.__spec__)
    assert suffix == f".{sys.implementation.cache_tag}.pyc"
    return lightimports._Finder(suffix)


def said(spec):
    """What others can see of where a module comes from."""
    within = spec.submodule_search_locations
    return (
        *(spec.name, spec.origin, spec.cached, spec.has_location, spec.parent),
        *(None if within is None else [*within], spec.loader.name, spec.loader.path),
        *(spec.loader.is_package(spec.name), isinstance(spec.loader, SourceFileLoader)),
    )


def loaded(spec):
    """What a module has after it was loaded, or what stopped that."""
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 - compared
        return type(error)
    code = spec.loader.get_code(spec.name)
    names = ("__name__", "__file__", "__cached__", "__package__", "__path__", "VALUE")
    return [getattr(module, name, None) for name in names], code.co_filename, spec.loader.get_source(NAME)


def modules():
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        yield path, ".".join(("fluxsecrets", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def test_every_module_is_found_where_python_finds_it():
    found = 0
    for path, name in modules():
        folder = str(path.parent.parent if path.name == "__init__.py" else path.parent)
        if name == "fluxsecrets":
            continue
        spec = finder().find_spec(name, [folder])
        assert said(spec) == said(PathFinder.find_spec(name, [folder]))
        found += 1
    assert found > 500


COMPILED = st.sampled_from(
    ["none", "fresh", "of another time", "of another size", "hashed", "cut off", "no code"]
)


def write(path, value, compiled):
    """Write a source file, and compiled code beside it that has another value: one sees which was run."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"VALUE = '{value}, compiled'\n", encoding="ascii")
    if compiled != "none":
        hashed = py_compile.PycInvalidationMode.CHECKED_HASH
        mode = hashed if compiled == "hashed" else py_compile.PycInvalidationMode.TIMESTAMP
        cached = Path(py_compile.compile(str(path), doraise=True, invalidation_mode=mode))
        if compiled == "cut off":
            cached.write_bytes(cached.read_bytes()[:20])
        if compiled == "no code":
            cached.write_bytes(b"nothing of the kind")
    state = path.stat()
    text = f"VALUE = '{value}, source  '\n"
    path.write_text(text + "#" * (compiled == "of another size"), encoding="ascii")
    changed = 10**10 if compiled == "of another time" else 0
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + changed))


@given(
    module=st.none() | COMPILED,
    package=st.none() | COMPILED,
    folder=st.booleans(),
    searched=st.integers(0, 2),
    name=st.sampled_from([NAME, "fluxsecrets", "fluxsecretsexample.example", "example"]),
)
def test_what_is_found_is_what_python_finds(module, package, folder, searched, name):
    with tempfile.TemporaryDirectory() as parent:
        if folder:
            Path(parent, "example").mkdir()
        if module is not None:
            write(Path(parent, "example.py"), "module", module)
        if package is not None:
            write(Path(parent, "example", "__init__.py"), "package", package)
        path = [parent, str(Path(parent, "other"))][:searched]
        spec = finder().find_spec(name, path)
        if name != NAME or searched != 1:
            assert spec is None
            return
        sys.path_importer_cache.pop(parent, None)
        standard = PathFinder.find_spec(name, path)
        if spec is None:
            # A folder without code in it goes behind a module, and alone it is a package as well.
            assert package is None
            assert folder or standard is None
            return
        assert said(spec) == said(standard)
        assert loaded(spec) == loaded(standard)


def run(script, *options):
    command = [sys.executable, "-I", *options, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_process_has_one_of_it_before_the_finders_of_python():
    assert run(PREPARED + FINDERS) == "1\n"
    order = "print([getattr(each, '__name__', type(each).__name__) for each in sys.meta_path])"
    other = "import sys; sys.meta_path.insert(0, type('Other', (), {'find_spec': lambda *_: None})); "
    found = run(other + PREPARED + order)
    assert found.startswith("['Other', ")
    assert "'_Finder', 'BuiltinImporter', 'FrozenImporter', 'PathFinder'" in found
    assert (
        run(PREPARED + "import fluxsecrets.errors as one; print(type(one.__loader__).__name__)")
        == "_Loader\n"
    )


def test_what_ends_the_names_of_compiled_code_is_that_of_the_process():
    script = PREPARED + "import fluxsecrets.errors as one; print(one.__cached__)"
    assert run(script).endswith(f".{sys.implementation.cache_tag}.pyc\n")
    assert run(script, "-B", "-OO").endswith(f".{sys.implementation.cache_tag}.opt-2.pyc\n")


def test_where_compiled_code_is_elsewhere_python_finds_everything(tmp_path):
    assert run(PREPARED + FINDERS, "-X", f"pycache_prefix={tmp_path}") == "0\n"


def test_python_looks_for_cycles_less_often():
    assert run(PREPARED + "import gc; print(gc.get_threshold()[0])") == "50000\n"


def test_data_beside_the_modules_is_found():
    script = "from importlib.resources import files; print(len([*files('fluxsecrets.report').iterdir()]))"
    assert run(PREPARED + script) == run(script)


def test_nothing_stands_in_for_the_module_afterwards():
    found = run(PREPARED + "print('pathlib' in sys.modules, 'urllib.parse' in sys.modules)")
    assert found == "True False\n"
    quoted = run(PREPARED + "import urllib.parse; print(urllib.parse.quote('a b'))")
    assert quoted == "a%20b\n"


def test_addresses_of_files_are_made_all_the_same():
    script = "from pathlib import PurePosixPath; print(PurePosixPath('/ä b/c').as_uri())"
    assert run(PREPARED + script) == run(script) == "file:///%C3%A4%20b/c\n"


def test_what_is_imported_already_stays():
    script = f"import urllib.parse; {PREPARED}import pathlib; "
    assert run(script + "print(pathlib.Path('/a b').as_uri())") == "file:///a%20b\n"
