"""A scanner for texts, which says what it finds as `line rule`."""

import pytest

from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.engine import Engine
from fluxsecrets.scan.fileset import FileSet
from fluxsecrets.scan.scanned import Context


def comparable(scanned):
    """A result whose parts can be compared: an exception equals itself only."""
    return scanned._replace(problem=None if scanned.problem is None else repr(scanned.problem))


class Scanner:
    """Runs the engine over texts, with and without its shortcuts: both must find the same."""

    def __init__(self, engine, thorough):
        self.engine = engine
        self.thorough = thorough

    def scan(self, text, path="app.yaml", whole=""):
        data = text if isinstance(text, bytes) else text.encode()
        scanned = self.engine.scan(Blob(path, data), Context(whole))
        assert comparable(self.thorough.scan(Blob(path, data), Context(whole))) == comparable(scanned)
        return scanned

    def findings(self, text, path="app.yaml", whole=""):
        return self.scan(text, path, whole).findings

    def __call__(self, text, path="app.yaml", whole=""):
        return [f"{each.location.line} {each.rule}" for each in self.findings(text, path, whole)]

    def together(self, files):
        """What is found in files that are scanned as one set: `path:line rule`."""
        known, found = FileSet(), []
        for path, text in files.items():
            scanned = self.scan(text, path)
            found += [*scanned.findings, *known.add(scanned)]
        found += known.finish()
        return [f"{each.location.path}:{each.location.line} {each.rule}" for each in found]


@pytest.fixture(scope="session")
def engine(caches):
    return Engine(caches / "fluxsecrets")


@pytest.fixture(scope="session")
def scanner(engine, caches):
    return Scanner(engine, Engine(caches / "fluxsecrets", key=engine.key, shortcuts=False))
