"""Functions of the C library that Python's `os` does not have.

`ctypes` defines dozens of types when it is imported, which takes longer than to write a file. Its compiled
half is enough for a function that takes numbers and bytes, and returns a number.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def c_function(name: str) -> tuple[Callable[..., int], Callable[[], int]] | None:
    """A function of the C library that returns an int and sets `errno`, and what tells that number.

    Returns:
        None with a Python without ctypes, or a C library without the function.
    """
    try:
        return _compiled(name)
    except (ImportError, AttributeError, TypeError):  # the compiled half is another one than is known here
        pass
    except OSError:
        return None
    try:
        import ctypes

        return getattr(ctypes.CDLL(None, use_errno=True), name), ctypes.get_errno
    except (ImportError, AttributeError, OSError):
        return None


def c_buffer(size: int) -> Any:
    """Zero bytes that such a function may write to; `raw` has them.

    Raises:
        ImportError: a Python without ctypes.
    """
    try:
        return _compiled_buffer(size)
    except (ImportError, AttributeError, TypeError):  # as above
        import ctypes

        return ctypes.create_string_buffer(size)


def _compiled_buffer(size: int) -> Any:
    import _ctypes

    library: Any = _ctypes
    character = type("Character", (library._SimpleCData,), {"_type_": "c"})  # noqa: SLF001
    buffer: Any = type("Buffer", (library.Array,), {"_type_": character, "_length_": size})
    return buffer()


def _compiled(name: str) -> tuple[Callable[..., int], Callable[[], int]]:
    """See `c_function`; as `ctypes.CDLL` does it.

    Raises:
        ImportError, AttributeError, TypeError: this Python's `_ctypes` is not as expected.
        OSError: the C library does not have the function.
    """
    import _ctypes

    library: Any = _ctypes
    number = type("Number", (library._SimpleCData,), {"_type_": "i"})  # noqa: SLF001
    flags = library.FUNCFLAG_CDECL | library.FUNCFLAG_USE_ERRNO
    function = type("Function", (library.CFuncPtr,), {"_flags_": flags, "_restype_": number})
    return function(library.dlsym(library.dlopen(None, 0), name)), library.get_errno
