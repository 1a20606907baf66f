"""PyYAML without its Python half is the same to everyone: the same events, errors and package."""

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from strategies import AnyYamlWriter, YamlWriter

VECTORS = Path(__file__).parents[1] / "vectors"
HOSTILE = (
    "a: 'b",
    "a: \x01",
    "\ud800",
    "a: [",
    "- - -\n -",
    "a: *b",
    "&a [*a]",
    "{a: b",
    "\tb: c",
    "%YAML 9.9\n---\n",
    "a: !<",
    "a: b: c",
    "[" * 2000,
    "? " * 500,
    "\ufeffa: b",
    "a: \x85b",
    "--- |\n\ta",
    "",
    "\x00",
)

READ = """
import json, sys
for name in sys.argv[1:]:
    __import__(name)
from fluxsecrets.sops.libyaml import CParser, YAMLError

def place(mark):
    return mark and (mark.index, mark.line, mark.column)

def told(text):
    found = []
    try:
        parser = CParser(text)
        while (event := parser.get_event()) is not None:
            found.append((repr(event), place(event.start_mark), place(event.end_mark)))
    except (YAMLError, UnicodeEncodeError) as error:
        found.append((str(type(error)), str(error), [base.__name__ for base in type(error).__mro__]))
    return found

print(json.dumps([told(text) for text in json.load(sys.stdin)]))
"""


def run(script, *arguments, given=None):
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def texts():
    """Vectors, generated files, these broken at random places, and what libyaml refuses."""
    found = [path.read_text("utf-8", "replace") for path in sorted(VECTORS.rglob("*.yaml"))]
    random = Random(1)
    for number in range(60):
        writer = YamlWriter if number % 2 else AnyYamlWriter
        text = writer(Random(number)).file().decode()
        place = random.randrange(len(text) + 1)
        found += [text, text[:place], text[:place] + random.choice("'\"[{&*!\x07\t%@`") + text[place:]]
    return [*found, *HOSTILE]


def test_all_texts_give_the_same_events_and_errors():
    given = json.dumps(texts())
    ours, usual = run(READ, given=given), run(READ, "yaml", given=given)
    assert ours == usual
    for kind in ("reader.ReaderError", "scanner.ScannerError", "parser.ParserError"):
        assert f"<class 'yaml.{kind}'>" in ours


CHECK = """
import yaml, yaml._yaml
assert yaml.safe_load("a: [1, ~]") == {"a": [1, None]}
assert yaml.load("a: 2026-01-01", Loader=yaml.CSafeLoader)["a"].year == 2026
assert yaml.dump({"a": 1}, Dumper=yaml.CSafeDumper) == "a: 1\\n"
assert yaml.__with_libyaml__ and yaml.__version__ and yaml.error.Mark and yaml.cyaml.CLoader
from fluxsecrets.sops import libyaml
assert libyaml.CParser is yaml._yaml.CParser and libyaml.YAMLError is yaml.YAMLError is yaml.error.YAMLError
assert libyaml.ScalarEvent is yaml.ScalarEvent is yaml.events.ScalarEvent
for module in "reader scanner parser composer constructor emitter serializer representer".split():
    name = module.capitalize() + "Error"
    assert getattr(yaml._yaml, name) is getattr(getattr(yaml, module), name), name
import sys
assert "__getattr__" not in vars(yaml) and yaml.__spec__.loader is yaml.__loader__
assert type(yaml.__loader__).__module__.endswith("_external"), yaml.__loader__
assert not any("fluxsecrets" in getattr(each, "__module__", "") for each in sys.meta_path)
try:
    yaml.safe_load("a: 'b")
except yaml.YAMLError as error:
    assert type(error) is yaml.scanner.ScannerError
for text, kind in (
    ("a: 'b", yaml.scanner.ScannerError),
    ("\\x01", yaml.reader.ReaderError),
    ("[", yaml.parser.ParserError),
    ("*a", yaml.composer.ComposerError),
    ("!x y", yaml.constructor.ConstructorError),
):
    try:
        yaml.load(text, yaml.CSafeLoader)
    except kind as error:
        assert type(error) is kind
    else:
        raise AssertionError(text)
names = sorted(name for name in vars(yaml) if name not in ("__builtins__", "__file__", "__cached__"))
print(names)
"""

OURS = "from fluxsecrets.sops import libyaml\n"
ORDERS = {
    "the usual way": "import yaml",
    "ours first": OURS,
    "ours last": "import yaml\n" + OURS,
    "ours in between": f"import yaml.events\n{OURS}import yaml.reader",
    "a name first": OURS + "from yaml import CSafeLoader",
    "all names first": OURS + "from yaml import *\nsafe_load('a')",
    "its modules first": OURS + "import yaml.cyaml\nyaml.cyaml.CLoader('a').get_data()",
    "an error first": OURS + "try: libyaml.CParser('\\x01')\nexcept libyaml.YAMLError: pass",
    "a missing name first": OURS + "import yaml\nassert not hasattr(yaml, 'nonsense')",
}


@pytest.mark.parametrize("start", [pytest.param(start, id=name) for name, start in ORDERS.items()])
def test_the_package_is_whole_for_everyone(start):
    assert run(f"{start}\n{CHECK}") == run(f"import yaml\n{CHECK}")


def test_the_python_half_is_not_imported():
    run(
        "import sys; from fluxsecrets.sops.libyaml import CParser; import yaml\n"
        "parser = CParser('a: [1]')\n"
        "while parser.get_event(): pass\n"
        "heavy = {'yaml.reader', 'yaml.resolver', 'yaml.constructor', 're', 'datetime'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )


THREADS = """
import sys, threading
sys.setswitchinterval(1e-6)
start, failed = threading.Barrier(6), []

def ours():
    from fluxsecrets.sops.libyaml import CParser, YAMLError
    try:
        CParser("\\x01")
    except YAMLError as error:
        assert type(error).__name__ == "ReaderError"

def theirs():
    import yaml
    assert yaml.load("a: 1", yaml.CSafeLoader) == {"a": 1}

def names():
    from yaml import CSafeLoader, safe_load, YAMLError
    assert safe_load("a: 1") == {"a": 1}

def call(function):
    start.wait()
    try:
        function()
    except BaseException as error:
        failed.append(f"{function.__name__}: {error!r}")

threads = [threading.Thread(target=call, args=(each,)) for each in (ours, theirs, names) * 2]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not failed, failed
"""


@pytest.mark.parametrize("attempt", range(4))
def test_threads_that_import_it_at_once_get_the_whole_package(attempt):
    run(THREADS)


def test_objects_of_the_package_can_be_pickled():
    run(
        "import pickle; from fluxsecrets.sops.libyaml import CParser, ScalarEvent\n"
        "event = ScalarEvent(None, None, (True, False), 'text')\n"
        "assert pickle.loads(pickle.dumps(event)).value == 'text'\n"
        "import yaml\n"
        "assert pickle.loads(pickle.dumps(yaml.SafeLoader)) is yaml.SafeLoader\n"
        "assert pickle.loads(pickle.dumps(event)).__class__ is yaml.ScalarEvent"
    )


UNEXPECTED = """
import sys, types
class Finder:  # another version: its compiled module asks for more
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "yaml._yaml":
            sys.meta_path.remove(Finder)
            raise AttributeError("module 'yaml' has no attribute 'novelty'")
sys.meta_path.insert(0, Finder)
from fluxsecrets.sops.libyaml import CParser, ScalarEvent
assert "yaml.resolver" in sys.modules
"""


def test_another_version_is_imported_as_usual():
    run(UNEXPECTED + CHECK)


def test_without_the_compiled_module_the_package_still_works():
    run(
        "import sys; sys.modules['yaml._yaml'] = None\n"
        "try:\n    from fluxsecrets.sops import libyaml\nexcept ImportError: pass\n"
        "else: raise AssertionError\n"
        "import yaml; assert yaml.safe_load('a: 1') == {'a': 1} and not yaml.__with_libyaml__"
    )
