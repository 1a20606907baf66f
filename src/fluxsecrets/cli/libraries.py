"""What to say if a Python package is missing, or can't be loaded."""

from __future__ import annotations

import platform
import sys

from fluxsecrets.errors import MissingLibraryError
from fluxsecrets.shell import file_word

_PACKAGES = {
    "bcrypt": "bcrypt",
    "cffi": "cffi",
    "click": "click",
    "cryptography": "cryptography",
    "re2": "google-re2",
    "yaml": "PyYAML",
}
"""The package of each module that every installation has."""


def missing_library(error: ImportError) -> MissingLibraryError | None:
    """Return the error for a package of others that can't be imported; None if the fault is ours."""
    module = (error.name or "").partition(".")[0].removeprefix("_")
    package = _PACKAGES.get("cffi" if module == "cffi_backend" else module)
    if package is None:
        return None
    what = "is missing" if isinstance(error, ModuleNotFoundError) else "can't be loaded"
    if error.name != "yaml" and package == "PyYAML":
        what = "has no libyaml"
    command = f"{file_word(sys.executable)} -m pip install --force-reinstall {package}"
    return MissingLibraryError(
        f"the Python package {package} {what} on this system: {_system()}",
        hint=f"run `{command}`; docs/install.md lists what it takes where there is no wheel",
    )


def _system() -> str:
    libc = platform.libc_ver()[0] or "musl"
    kind = f" ({libc})" if sys.platform == "linux" else ""
    return f"{platform.system()} {platform.machine()}{kind}, Python {platform.python_version()}"
