"""Tables of cases that one test takes as a whole, and of which it names the rows that fail.

`pytest.mark.parametrize` makes a test of each row. To collect, send and report one takes milliseconds, which
is many times what a row of a pure function takes.
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import wraps

import pytest


def each_row(
    names: str | Sequence[str], rows: Iterable[object], ids: Iterable[str] | Callable[..., str] | None = None
):
    """In place of `pytest.mark.parametrize`, for rows that neither skip nor change what they share.

    All rows are tried. Fixtures are those of the one test.

    Args:
        names: of the arguments that a row has values for.
        rows: a value each, or one for each of several arguments.
        ids: what rows are called, or what says it of a value; else they are shown.

    Raises:
        ValueError: there is no row.
    """
    words = [name.strip() for name in names.split(",")] if isinstance(names, str) else [*names]
    single = isinstance(names, str) and len(words) == 1
    table = [(row,) if single else tuple(row) for row in rows]
    if not table:
        raise ValueError("a table without rows tries nothing")
    called = [*ids] if ids is not None and not callable(ids) else None

    def name(number, row):
        if called is not None:
            return called[number]
        return "-".join(str(ids(value)) if callable(ids) else ascii(value)[:200] for value in row)

    def decorate(test):
        @wraps(test)
        def whole(**fixtures):
            failures = []
            for number, row in enumerate(table):
                try:
                    test(**fixtures, **dict(zip(words, row, strict=True)))
                except pytest.skip.Exception as skipped:
                    raise AssertionError(f"{name(number, row)}: a row can't be skipped: {skipped}") from None
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - the other rows are tried, too
                    error.add_note(f"the row: {name(number, row)}")
                    failures.append(error)
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} of {len(table)} rows", failures)

        own = inspect.signature(test)
        left = [each for each in own.parameters.values() if each.name not in words]
        whole.__signature__ = own.replace(parameters=left)
        return whole

    return decorate
