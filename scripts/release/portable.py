"""The self-contained archive: fluxsecrets with a Python of its own, for this kind of machine.

It is a plain Python in a folder, not a frozen executable. Freezing (PyInstaller) starts slower, and a frozen
executable is not a Python: git hooks and worker processes would need ways of their own.
"""

from __future__ import annotations

import gzip
import io
import os
import platform
import shutil
import sys
import sysconfig
import tarfile
from dataclasses import dataclass
from pathlib import Path

from native import bundle_libraries, glibc_of
from steps import DistError, run, say

_LEFT_OUT = frozenset(
    {
        *("__pycache__", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "site-packages", "sqlite3"),
        *("test", "tests", "tkinter", "turtledemo", "turtle.py", "unittest", "dbm", "curses"),
        *("dist-packages", "EXTERNALLY-MANAGED", "distutils", "venv"),
    }
)
"""Names in the standard library that nothing here imports."""

_MODULES_LEFT_OUT = (
    *("_sqlite3", "_tkinter", "readline", "_curses", "_test", "_dbm", "_gdbm", "nis", "ossaudiodev"),
    *("audioop", "xx", "_ctypes_test"),
)
"""Starts of the names of compiled modules that nothing here imports."""

_START = """\
#!/bin/sh
# Runs {name} with the Python beside it. The folder may be anywhere, and links to this file too.
self=$0
while [ -L "$self" ]; do
    link=$(readlink "$self")
    case $link in
        /*) self=$link ;;
        *) self=${{self%/*}}/$link ;;
    esac
done
here=${{self%/*}}/..
exec "$here/python/bin/python3" -I "$here/python/{name}.py" "$@"
"""
_MAIN = 'from {module} import main\n\nif __name__ == "__main__":\n    main()\n'
_COMMANDS = {
    "fluxsecrets": "fluxsecrets.cli.entry",
    "fluxsecrets-sops": "fluxsecrets.cli.dropin.entry",
}


class NotPortableError(Exception):
    """This kind of machine can't build a self-contained archive."""


@dataclass(frozen=True, slots=True)
class Portable:
    """A self-contained folder.

    Attributes:
        folder: its files.
        version: of fluxsecrets.
        python: the interpreter in it.
        libraries: shared libraries that came from this machine.
        glibc: the oldest version of glibc that it runs with.
    """

    folder: Path
    version: str
    python: Path
    libraries: tuple[Path, ...]
    glibc: tuple[int, int]

    def pack(self, output: Path) -> Path:
        """Write the archive, with the same bytes each time; return its path."""
        path = output / f"{self.folder.name}.tar.gz"
        say(f"packing {path.name}")
        with (
            path.open("wb") as stream,
            gzip.GzipFile("", "wb", 9, stream, mtime=0) as zipped,
            tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for each in sorted((self.folder, *self.folder.rglob("*"))):
                _add(archive, each, self.folder.parent)
        return path


def build_portable(wheel: Path, source: Path, pages: Path, work: Path, extras: str) -> Portable:
    """Build the folder.

    Args:
        wheel: of this version.
        source: the commit's files.
        pages: a folder of manual pages.
        work: a folder for the result.
        extras: names of extras to install too, with commas between, or "".

    Raises:
        NotPortableError: not on this kind of machine.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        raise NotPortableError("only Linux with glibc can build one")
    say("building the self-contained folder")
    version = wheel.name.split("-")[1]
    folder = work / f"fluxsecrets-{version}-linux-{platform.machine()}"
    python = _copy_python(folder / "python")
    site = Path(run([python, "-IB", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip())
    if not site.is_relative_to(folder.resolve()):
        raise DistError(f"the copied Python installs into {site}, outside of its folder")
    _install(wheel, source / "scripts" / "constraints.txt", site, extras)
    modules = [each for each in folder.rglob("*.so*") if each.is_file()]
    own = [each for each in modules if site not in each.parents]
    libraries = bundle_libraries(folder / "python" / "lib", [python, *own])
    write_commands(folder)
    shutil.copy(source / "LICENSE", folder)
    shutil.copytree(pages, folder / "share" / "man" / "man1")
    _compile(python, folder)
    return Portable(folder, version, python, libraries, glibc_of([python, *modules, *libraries]))


def _copy_python(folder: Path) -> Path:
    """Copy the interpreter that this one was made from, without what nothing here imports."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    stdlib = Path(sysconfig.get_path("stdlib"))
    (folder / "bin").mkdir(parents=True)
    python = Path(shutil.copy(Path(sys._base_executable).resolve(), folder / "bin" / "python3"))  # noqa: SLF001
    shutil.copytree(stdlib, folder / "lib" / version, ignore=_ignored)
    for library in Path(sysconfig.get_config_var("LIBDIR")).glob(f"lib{version}*.so.*"):
        shutil.copy(library, folder / "lib")
    return python


def _ignored(_folder: str, names: list[str]) -> set[str]:
    return {
        name
        for name in names
        if name in _LEFT_OUT
        or name.startswith("config-")
        or (name.endswith(".so") and name.startswith(_MODULES_LEFT_OUT))
    }


def _install(wheel: Path, constraints: Path, site: Path, extras: str) -> None:
    """Install the wheel and what it needs from wheels, at the pinned versions."""
    wanted = f"{wheel}[{extras}]" if extras else str(wheel)
    options = ["--quiet", "--no-compile", "--only-binary", ":all:", "--disable-pip-version-check"]
    pins = ["--constraint", str(constraints), "--target", str(site)]
    run([sys.executable, "-m", "pip", "install", *options, *pins, wanted])
    shutil.rmtree(site / "bin", ignore_errors=True)  # made for the path of this machine's Python
    for record in sorted(site.glob("*.dist-info/RECORD")):
        # These say where and by which program a package was installed: not a part of the package.
        for name in ("direct_url.json", "INSTALLER", "REQUESTED"):
            record.with_name(name).unlink(missing_ok=True)
        lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if (site / line.split(",")[0]).exists()]
        record.write_text("".join(sorted(kept)), encoding="utf-8")


def write_commands(folder: Path) -> None:
    """Write what users start: `bin/fluxsecrets` and `bin/fluxsecrets-sops`."""
    (folder / "bin").mkdir()
    for name, module in _COMMANDS.items():
        (folder / "python" / f"{name}.py").write_text(_MAIN.format(module=module), encoding="ascii")
        start = folder / "bin" / name
        start.write_text(_START.format(name=name), encoding="ascii")
        start.chmod(0o755)


def _compile(python: Path, folder: Path) -> None:
    """Compile all modules. Their files are not compared with the sources at each start."""
    environ = {"PYTHONHASHSEED": "0", "PATH": os.environ["PATH"]}
    library = folder / "python" / "lib"
    options = ["-f", "-q", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash", "-s", str(folder)]
    run([python, "-SB", "-m", "compileall", *options, library], environ=environ)


def _add(archive: tarfile.TarFile, path: Path, base: Path) -> None:
    info = archive.gettarinfo(path, str(path.relative_to(base)))
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = int(os.environ["SOURCE_DATE_EPOCH"])
    executable = path.is_dir() or bool(path.stat().st_mode & 0o100)
    info.mode = 0o755 if executable else 0o644
    archive.addfile(info, io.BytesIO(path.read_bytes()) if path.is_file() else None)
