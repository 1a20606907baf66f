"""Helm's parser of `--set path=value`, as pkg/strvals/parser.go has it.

A number that Helm parses here is an int64 and a Python int; a number from YAML or JSON is a float64 and a
Python float. Templates print the two differently from a million on, so they must not be mixed up.
"""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

EOF = "EOF"
"""Go's io.EOF. At the top it is success, as in Parser.parse."""
_NOT_LIST = "not a list"
_MAX_INDEX = 65536
_MAX_NESTED_NAME_LEVEL = 30

Failure: TypeAlias = str | None


class StrvalsError(Exception):
    """Helm refuses the text."""


def parse_into(text: str, target: dict[str, Any], *, strings: bool) -> None:
    """Set the value in `path=value` in a map, which is changed in place as in Go.

    Raises:
        StrvalsError: Helm refuses the text.
    """
    parser = _Parser(text, strings=strings)
    while (failure := parser.key(target, 0)) is None:
        pass
    if failure != EOF:
        raise StrvalsError(failure)


class _Parser:
    def __init__(self, text: str, *, strings: bool) -> None:
        self._text = text
        self._at = 0
        self._strings = strings

    def key(self, data: dict[str, Any], level: int) -> Failure:
        try:
            return self._key(data, level)
        except TypeError as error:  # Go recovers from the panic of a failed type assertion
            return f"unable to parse key: {error}"

    def _key(self, data: dict[str, Any], level: int) -> Failure:
        name, stop = self._until("=[,.")
        if stop is None:
            return f"key {name!r} has no value" if name else EOF
        if stop == "[":
            return self._list_key(data, name, level)
        if stop == "=":
            return self._assign(data, name)
        if stop == ",":
            _set(data, name, "")
            return f"key {name!r} has no value (cannot end with a comma)"
        return self._map_key(data, name, level + 1)

    def _list_key(self, data: dict[str, Any], name: str, level: int) -> Failure:
        index, failure = self._index()
        if failure is not None:
            return failure
        items = _expect(data[name], list) if name in data else []
        items, failure = self._list_item(items, index, level)
        _set(data, name, items)
        return failure

    def _map_key(self, data: dict[str, Any], name: str, level: int) -> Failure:
        if level > _MAX_NESTED_NAME_LEVEL:
            return "value name nested level is greater than supported"
        inner = _expect(data[name], dict) if name in data else {}
        failure = self.key(inner, level)
        if failure is None and not inner:
            return f"key map {name!r} has no value"
        if inner:
            _set(data, name, inner)
        return failure

    def _assign(self, data: dict[str, Any], name: str) -> Failure:
        value, failure = self._value()
        if failure in (None, EOF):
            _set(data, name, value)
        return failure

    def _value(self) -> tuple[Any, Failure]:
        """Return the value after `=`. The failure is EOF if there is nothing, which sets an empty string."""
        items, failure = self._braces()
        if failure == EOF:
            return "", EOF
        if failure == _NOT_LIST:
            text, _ = self._until(",")
            return self._typed(text), None
        return items, failure

    def _list_item(self, items: list[Any], index: int, level: int) -> tuple[list[Any], Failure]:
        if index < 0:
            return items, "negative index not allowed"
        name, stop = self._until("[.=")
        if name:
            return items, "unexpected data at end of array index"
        if stop is None:
            return items, EOF
        if stop == "=":
            value, failure = self._value()
            # Unlike for a map, an empty value is no EOF here.
            return (items, failure) if failure not in (None, EOF) else _set_index(items, index, value)
        if stop == "[":
            return self._nested_list(items, index, level)
        return self._nested_map(items, index, level)

    def _nested_list(self, items: list[Any], index: int, level: int) -> tuple[list[Any], Failure]:
        following, failure = self._index()
        if failure is not None:
            return items, failure
        current = items[index] if len(items) > index else None
        inner = [] if current is None else _expect(current, list)
        inner, failure = self._list_item(inner, following, level)
        return (items, failure) if failure is not None else _set_index(items, index, inner)

    def _nested_map(self, items: list[Any], index: int, level: int) -> tuple[list[Any], Failure]:
        inner: dict[str, Any] = {}
        if len(items) > index:
            if not isinstance(items[index], dict):
                items[index] = {}
            inner = items[index]
        failure = self.key(inner, level)
        # An empty value ends here as EOF: Helm loses it, unless the item was a map before.
        return (items, failure) if failure is not None else _set_index(items, index, inner)

    def _index(self) -> tuple[int, Failure]:
        text, stop = self._until("]")
        if stop is None:
            return 0, EOF  # Go wraps it, and then takes it for success
        digits = text[1:] if text[:1] in ("+", "-") else text
        if not (digits.isascii() and digits.isdigit()):
            return 0, f"invalid index {text!r}"
        return int(text), None

    def _braces(self) -> tuple[list[Any], Failure]:
        if self._at >= len(self._text):
            return [], EOF
        if self._text[self._at] != "{":
            return [], _NOT_LIST
        self._at += 1
        items: list[Any] = []
        while True:
            text, stop = self._until(",}")
            if stop is None:
                return items, "list must terminate with '}'"
            items.append(self._typed(text))
            if stop == "}":
                if self._text[self._at : self._at + 1] == ",":
                    self._at += 1
                return items, None

    def _until(self, stops: str) -> tuple[str, str | None]:
        """Return the text up to a character of a set, and that character or None at the end."""
        found: list[str] = []
        while self._at < len(self._text):
            character = self._text[self._at]
            self._at += 1
            if character in stops:
                return "".join(found), character
            if character == "\\":
                if self._at >= len(self._text):
                    break
                character = self._text[self._at]
                self._at += 1
            found.append(character)
        return "".join(found), None

    def _typed(self, text: str) -> Any:
        return text if self._strings else typed_value(text)


_WORDS = {"true": True, "false": False, "null": None}


def typed_value(text: str) -> Any:
    """Return what Helm makes of an unquoted value: a boolean, nil, an int64 or a string."""
    word = text.casefold()
    if word in _WORDS and len(word) == len(text):
        return _WORDS[word]
    digits = text[1:] if text[:1] in ("+", "-") else text
    if text == "0" or (not text.startswith("0") and digits.isascii() and digits.isdigit()):
        number = int(text)
        if -(2**63) <= number < 2**63:
            return number
    return text


def _set(data: dict[str, Any], name: str, value: Any) -> None:
    if name:
        data[name] = value


def _set_index(items: list[Any], index: int, value: Any) -> tuple[list[Any], Failure]:
    if index > _MAX_INDEX:
        return items, "index is greater than maximum supported index"
    if len(items) <= index:  # Go copies to a longer slice; the shorter one stays as it was
        items = items + [None] * (index + 1 - len(items))
    items[index] = value
    return items, None


_T = TypeVar("_T")


def _expect(value: Any, kind: type[_T]) -> _T:
    if not isinstance(value, kind):
        message = f"interface conversion: not a {kind.__name__}"
        raise TypeError(message)
    return value
