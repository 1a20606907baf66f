import pytest

from fluxsecrets.errors import ConfigError
from fluxsecrets.repo.globs import compile_glob


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("*.key", ["a.key", "x/y/a.key"], ["a.keys"]),
        ("x/*.key", ["x/a.key"], ["x/y/a.key", "z/x/a.key"]),
        ("/a.key", ["a.key"], ["x/a.key"]),
        ("./x/", ["x/a", "x/y/a"], ["x", "xy/a"]),
        ("x/**/a", ["x/a", "x/y/a", "x/y/z/a"], ["x/b", "a"]),
        ("**/a", ["a", "x/y/a"], ["xa"]),
        ("a?.key", ["ab.key"], ["a/.key", "a.key"]),
        ("a[1].(x)+", ["a[1].(x)+"], ["a1.x"]),
    ],
)
def test_globs(pattern, matching, other):
    compiled = compile_glob(pattern)
    assert [path for path in [*matching, *other] if compiled.matches(path)] == matching


@pytest.mark.parametrize("pattern", ["", "/", "../x", "a/../../b"])
def test_globs_that_are_refused(pattern):
    with pytest.raises(ConfigError):
        compile_glob(pattern)
