"""Records behave as the dataclasses of the standard library do."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets import records

VALUES = st.one_of(st.none(), st.integers(0, 3), st.text(max_size=2), st.tuples(st.integers(0, 2)))


@st.composite
def declarations(draw):
    """The fields of a class: (name, what is said of it) in an order that is possible."""
    names = draw(st.lists(st.sampled_from("abcdefg"), unique=True, max_size=5))
    required = draw(st.integers(0, len(names)))
    fields = []
    for number, name in enumerate(names):
        said = dict.fromkeys(draw(st.sets(st.sampled_from(["repr", "compare", "hash"]))), False)
        if number >= required:
            said |= draw(
                st.builds(lambda value: {"default": value}, VALUES)
                | st.sampled_from([{"default_factory": list}, {"default_factory": dict}])
            )
        fields.append((name, said))
    return fields


OPTIONS = st.fixed_dictionaries({name: st.booleans() for name in ("frozen", "slots", "eq", "repr")})


def made(module, fields, options, bases=(), methods=None):
    """A class of either module."""
    content = {
        "__annotations__": {
            **dict.fromkeys((name for name, _ in fields), "object"),
            "shared": "ClassVar[int]",
        },
        "shared": 1,
        **{name: module.field(**said) for name, said in fields if said},
        **(methods or {}),
    }
    return module.dataclass(**options)(type("Example", bases, content))


def both(fields, options, bases=((), ()), methods=None):
    return tuple(
        made(module, fields, options, base, methods)
        for module, base in zip((records, dataclasses), bases, strict=True)
    )


def outcome(function, *given, **named):
    """What a call gives, or what it raises; the words of a TypeError name the same arguments."""
    try:
        return function(*given, **named)
    except (TypeError, AttributeError) as error:
        return type(error), str(error) if "argument" in str(error) else ""


def state(record, fields):
    return [getattr(record, name) for name, _ in fields]


@given(declarations(), OPTIONS, st.data())
def test_values_are_made_shown_compared_and_changed_alike(fields, options, data):
    ours, standard = both(fields, options)
    names = [name for name, _ in fields]
    assert ours.__match_args__ == standard.__match_args__
    assert ours.shared == 1
    assert str(inspect.signature(ours)).replace("<factory>", "").count("=") == str(
        inspect.signature(standard)
    ).count("=")
    given_ = data.draw(st.lists(VALUES, max_size=len(names)))
    named = data.draw(st.dictionaries(st.sampled_from([*names[len(given_) :], "z"]), VALUES))
    one, other = outcome(ours, *given_, **named), outcome(standard, *given_, **named)
    if isinstance(other, tuple):
        assert one == other
        return
    assert state(one, fields) == state(other, fields)
    assert ("at 0x" in repr(one)) == (not options["repr"])
    assert repr(one) == repr(other) or not options["repr"]
    assert (ours.__hash__ is None) == (standard.__hash__ is None)
    hashed = outcome(hash, one) if options["eq"] else None
    assert hashed == (outcome(hash, other) if options["eq"] else None)
    again, other_again = ours(*given_, **named), standard(*given_, **named)
    assert (one == again) == (other == other_again)
    assert one != other
    changes = data.draw(st.dictionaries(st.sampled_from(names), VALUES)) if names else {}
    for replace in (records.replace, dataclasses.replace):
        changed = replace(one, **changes)
        assert type(changed) is ours
        assert state(changed, fields) == state(dataclasses.replace(other, **changes), fields)
        assert (changed == one) == (dataclasses.replace(other, **changes) == other)
    assert dataclasses.asdict(one) == dataclasses.asdict(other)
    assert [(each.name, each.default, each.default_factory) for each in dataclasses.fields(ours)] == [
        (each.name, each.default, each.default_factory) for each in dataclasses.fields(standard)
    ]
    for name in names:
        first, second = outcome(setattr, one, name, 1), outcome(setattr, other, name, 1)
        assert first == second
        assert outcome(delattr, one, name) == outcome(delattr, other, name)
    if options["slots"] or options["frozen"]:
        with pytest.raises((AttributeError, TypeError)):
            one.other = 1
    for made_copy in (copy.copy, copy.deepcopy):
        if not isinstance(outcome(state, other, fields), tuple):
            assert state(made_copy(one), fields) == state(made_copy(other), fields)


@given(declarations(), declarations(), OPTIONS)
def test_fields_are_inherited_alike(base, own, options):
    bases = both(base, options)
    try:
        _, standard = both(own, options, tuple((each,) for each in bases))
    except TypeError:
        return  # a field without default behind one with a default
    ours = made(records, own, options, bases[:1])
    assert ours.__match_args__ == standard.__match_args__
    values = dict.fromkeys(ours.__match_args__, 5)
    assert repr(ours(**values)) == repr(standard(**values)) or not options["repr"]
    assert ours(**values) != bases[0](**{name: 5 for name, _ in base}) or ours is bases[0]
    if options["slots"]:
        assert ours.__slots__ == standard.__slots__


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("methods", ["__eq__", "__hash__", "__repr__", "both"])
def test_methods_of_the_class_stay(frozen, methods):
    mine = {
        "__eq__": lambda self, other: True,
        "__hash__": lambda self: 7,
        "__repr__": lambda self: "mine",
    }
    content = {name: each for name, each in mine.items() if name == methods}
    if methods == "both":
        content = {name: mine[name] for name in ("__eq__", "__hash__")}
    ours, standard = both([("a", {})], {"frozen": frozen, "slots": True, "eq": True}, methods=content)
    assert (ours(1) == ours(2)) == (standard(1) == standard(2))
    assert repr(ours(1)) == repr(standard(1))
    assert outcome(hash, ours(1)) == outcome(hash, standard(1))


@records.dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: list[int] = records.field(default_factory=list, compare=False)
    kind: ClassVar[str] = "point"

    def __post_init__(self):
        if self.x == 99:
            raise ValueError("too far")


@records.dataclass(slots=True)
class Open(Point.__base__):
    x: int = 1


def test_records_are_pickled_and_matched():
    for record in (Point(1, [2]), Open(3)):
        again = pickle.loads(pickle.dumps(record))
        assert again == record
        assert type(again) is type(record)
    assert pickle.loads(pickle.dumps(Point(1, [2]))).y == [2]
    match Point(1, [2]):
        case Point(x, y):
            assert (x, y) == (1, [2])


def test_what_is_done_after_making_one():
    with pytest.raises(ValueError, match="too far"):
        Point(99)
    with pytest.raises(ValueError, match="too far"):
        records.replace(Point(1), x=99)


def test_replaced_where_a_class_makes_itself():
    """By names, since nobody knows the order in which its own `__init__` takes them."""

    def own_init(self, *, b, a):
        object.__setattr__(self, "a", a)
        object.__setattr__(self, "b", b)

    for each in both([("a", {}), ("b", {})], {"frozen": True}, methods={"__init__": own_init}):
        below = type("Below", (each,), {})
        for one in (each, below):
            module = records if hasattr(one, "__record_fields__") else dataclasses
            made = module.replace(one(b=2, a=1), a=3)
            assert (type(made), made.a, made.b) == (one, 3, 2)


def test_frozen_ones_raise_the_error_of_the_standard_library():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Point(1).x = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del Point(1).x


def test_what_could_be_shared_by_mistake_is_no_default():
    with pytest.raises(ValueError, match="use a factory"):
        made(records, [("a", {"default": []})], {})


@pytest.mark.parametrize("frozen", [True, False])
def test_dataclasses_inherit_from_records(frozen):
    options = {"frozen": frozen, "slots": True}
    base = made(records, [("a", {}), ("b", {"default_factory": list, "repr": False})], options)
    below = made(dataclasses, [("c", {"default": 3})], options, (base,))
    assert repr(below(1)) == "Example(a=1, c=3)"
    assert below(1) == below(1, [])
    assert below(1) != base(1)
    assert dataclasses.replace(below(1), c=4).c == 4


def test_records_do_not_inherit_from_dataclasses():
    base = made(dataclasses, [("a", {})], {})
    with pytest.raises(TypeError, match="standard library"):
        made(records, [("b", {})], {}, (base,))
    assert records.replace(base(1), a=2).a == 2


def test_nothing_heavy_is_imported():
    code = "import sys, fluxsecrets.records; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert not {"dataclasses", "inspect", "typing", "re", "enum"} & {*done.stdout.split()}


def test_the_standard_fields_are_made_once():
    @records.dataclass(frozen=True, slots=True)
    class One:
        a: int
        b: str = "b"

    fields = One.__dataclass_fields__
    assert One.__dataclass_fields__ is fields

    class Below(One):
        pass

    assert [each.name for each in dataclasses.fields(Below)] == ["a", "b"]

    @records.dataclass(frozen=True, slots=True)
    class Other(One):
        c: int = 0

    assert [each.name for each in dataclasses.fields(Other)] == ["a", "b", "c"]
    assert dataclasses.replace(Other(1), c=2) == Other(1, "b", 2)


@pytest.mark.parametrize("said", [{"hash": False}, {"compare": False}, {"compare": False, "hash": True}])
def test_fields_are_hashed_as_they_say(said):
    options = {"frozen": True, "slots": True, "eq": True, "repr": True}
    ours, standard = both([("a", {}), ("b", said)], options)
    assert hash(ours(1, 2)) == hash(standard(1, 2))
    assert (hash(ours(1, 2)) == hash(ours(1, 3))) == (said.get("hash") is not True)
