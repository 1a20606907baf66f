"""Named tuples behave as those of `typing` do."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets import namedtuples

KINDS = (namedtuples.NamedTuple, typing.NamedTuple)
VALUES = st.none() | st.integers(0, 3) | st.text(max_size=2)
BODY = """
class Example(base):
    '''What it is.'''
{fields}
    def joined(self):
        return [*self, len(self)]
    @property
    def first(self):
        return self[0] if self else None
    @classmethod
    def made(cls, *values):
        return cls(*values)
    shared = 7
    def __str__(self):
        return 'shown'
"""


def example(base, fields, head="from __future__ import annotations"):
    """A class with these fields: (name, default or nothing)."""
    lines = [f"    {name}: int | str" + (f" = {said[0]!r}" if said else "") for name, said in fields]
    known = {"base": base, "__name__": __name__}
    exec(f"{head}\n{BODY.format(fields=chr(10).join(lines))}", known)
    return known["Example"]


def outcome(function, *given_, **named):
    try:
        return function(*given_, **named)
    except (TypeError, ValueError, AttributeError) as error:
        return type(error)


NAMES = st.lists(
    st.sampled_from(["a", "b", "c", "d", "count", "_e", "class", "_make"]), unique=True, max_size=4
)


@given(NAMES, st.data())
def test_classes_are_the_same(names, data):
    fields = [(name, data.draw(st.just(()) | st.tuples(VALUES))) for name in names if name != "class"]
    ours, theirs = (outcome(example, base, fields) for base in KINDS)
    if not hasattr(theirs, "_fields"):
        assert ours is theirs
        return
    for name in (
        "_fields",
        "_field_defaults",
        "__doc__",
        "__qualname__",
        "__module__",
        "__match_args__",
        "shared",
    ):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.__mro__[1:] == theirs.__mro__[1:]
    assert typing.get_type_hints(ours) == typing.get_type_hints(theirs)
    assert dir(ours) == dir(theirs)
    values = data.draw(st.lists(VALUES, max_size=len(fields) + 1))
    named = data.draw(st.dictionaries(st.sampled_from(["a", "b", "d", "z"]), VALUES, max_size=2))
    one, other = outcome(ours, *values, **named), outcome(theirs, *values, **named)
    assert one == other
    if not isinstance(other, tuple):
        return
    assert (repr(one), str(one), hash(one), one._asdict()) == (
        repr(other),
        str(other),
        hash(other),
        other._asdict(),
    )
    assert (one.joined(), one.first, ours.made(*one)) == (other.joined(), other.first, theirs.made(*other))
    assert outcome(one._replace, **named) == outcome(other._replace, **named)
    assert copy.deepcopy(one) == other
    assert outcome(setattr, one, "a", 1) is AttributeError
    assert not hasattr(one, "__dict__")


@pytest.mark.parametrize("base", KINDS)
def test_annotations_that_are_no_text_work_too(base):
    made = example(base, [("a", ()), ("b", (1,))], head="")
    assert made(3) == (3, 1)
    assert typing.get_type_hints(made)["a"] == int | str


@pytest.mark.parametrize("name", sorted(namedtuples._RESERVED))
@pytest.mark.parametrize("base", KINDS)
def test_what_makes_it_a_named_tuple_can_not_be_replaced(base, name):
    with pytest.raises(AttributeError):
        exec(f"class Example(base):\n    a: int\n    def {name}(self): pass", {"base": base, "__name__": "m"})


@pytest.mark.parametrize("base", KINDS)
def test_it_has_no_other_base(base):
    with pytest.raises(TypeError):
        exec("class Example(base, dict):\n    a: int", {"base": base, "__name__": "m"})


class Picklable(namedtuples.NamedTuple):
    a: int
    b: str = "b"


@pytest.mark.parametrize("count", [8, 9, 10, 14])
def test_long_classes_are_the_same(count):
    fields = [(f"f{number}", (number,) if number > 3 else ()) for number in range(count)]
    ours, theirs = (example(base, fields) for base in KINDS)
    assert ours(*"abcd") == theirs(*"abcd")
    assert repr(ours(*"abcd", f7=0)) == repr(theirs(*"abcd", f7=0))
    ours_takes, theirs_takes = (
        [(each.name, each.default) for each in inspect.signature(kind).parameters.values()]
        for kind in (ours, theirs)
    )
    assert ours_takes == theirs_takes
    assert (ours.__doc__, ours.__new__.__qualname__) == (theirs.__doc__, f"{ours.__name__}.__new__")
    with pytest.raises(TypeError, match=r"Example.__new__\(\) missing 2 required .*'f2' and 'f3'"):
        ours(1, 2)


def test_objects_are_pickled():
    assert pickle.loads(pickle.dumps(Picklable(1))) == Picklable(1)
    assert type(pickle.loads(pickle.dumps(Picklable(1)))) is Picklable


def test_a_class_can_inherit_from_a_named_tuple():
    class More(Picklable):
        def sum(self):
            return self.a + len(self.b)

    assert More(1).sum() == 2


def test_typing_is_not_imported():
    script = (
        "import sys; from fluxsecrets.namedtuples import NamedTuple\n"
        "class Example(NamedTuple):\n    a: int = 1\n"
        "assert Example() == (1,) and 'typing' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
