"""Pictures of terminals: run commands in a copy of the example, and draw what they print as SVG.

`make pictures` writes docs/pictures. A picture is the same after every run: it shows no key, no ciphertext
and no time. POSIX only, since it needs a pseudo-terminal.
"""

import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

PROJECT = Path(__file__).parents[2]
_COLUMNS, _NARROWEST = 112, 96  # of the terminal, and of a picture: text has one size in all of them
_FONT, _LINE, _PAD, _BAR = 14, 20, 18, 34
_ADVANCE = _FONT * 0.6
_COLOURS = {
    1: "#ffffff",
    31: "#ff8a80",
    32: "#8fd694",
    33: "#f2cc60",
    34: "#82aaff",
    35: "#d6a2e8",
    36: "#7fdbda",
}
_SPACE = "\N{NO-BREAK SPACE}"  # SVG joins ordinary ones
_ESCAPE = re.compile(r"\x1b\[([0-9;]*)m|\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]")

_GRAFANA = "apps/observability/overlays/staging/grafana-admin.yaml"
_ENCRYPTED = ("fluxsecrets encrypt --quiet --in-place", "git commit --quiet --all --message encrypted")


@dataclass(frozen=True)
class Scene:
    """One picture.

    Attributes:
        title: what it shows, for readers who don't see it.
        before: commands that are run and not shown.
        shown: commands that are shown with what they print.
        lines: how many lines of the output are shown, or None for all.
    """

    title: str
    before: Sequence[str]
    shown: Sequence[str]
    lines: int | None = None


SCENES = {
    "encrypt": Scene("an environment is encrypted", (), ("fluxsecrets encrypt --env staging",)),
    "commit": Scene(
        "a commit with plain text is refused",
        (
            *_ENCRYPTED,
            "fluxsecrets hook install",
            f"fluxsecrets decrypt --in-place {_GRAFANA}",
        ),
        ("git commit --all --message 'a new dashboard'",),
    ),
    "verify": Scene(
        "verify finds what Flux would apply as ciphertext",
        (*_ENCRYPTED, "sed -i.old '/^          decryption:/,/name: sops-age/d' clusters/staging/apps.yaml"),
        ("fluxsecrets verify --env staging",),
        22,
    ),
    "remove": Scene("a person is removed", _ENCRYPTED, ("fluxsecrets recipients remove bob --no-report",)),
}


def main() -> int:
    """Write each picture."""
    folder = PROJECT / "docs" / "pictures"
    for name, scene in SCENES.items():
        drawing = draw(scene.title, list(play(scene)))
        (folder / f"{name}.svg").write_text(drawing, encoding="utf-8", newline="\n")
    return 0


def play(scene: Scene) -> Iterator[str]:
    """Yield the lines of a terminal in which the scene's commands were typed, with escape sequences."""
    with tempfile.TemporaryDirectory() as base:
        home, folder = Path(base, "home"), Path(base, "waddle")
        home.mkdir()
        path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
        environ = {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "TERM": "xterm-256color"}
        start = [str(PROJECT / "examples" / "start"), str(folder)]
        subprocess.run(start, env=environ, check=True, stdout=subprocess.DEVNULL)
        for command in scene.before:
            subprocess.run(["bash", "-c", command], cwd=folder, env=environ, check=True, capture_output=True)
        for command in scene.shown:
            yield f"\x1b[32m$\x1b[0m \x1b[1m{command}\x1b[0m"
            lines = at_terminal(command, folder, environ)
            yield from lines[: scene.lines]
            if scene.lines is not None and len(lines) > scene.lines:
                yield "…"


def at_terminal(command: str, folder: Path, environ: dict[str, str]) -> list[str]:
    """Return the lines that a command prints to a terminal."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, _COLUMNS, 0, 0))
    with subprocess.Popen(
        ["bash", "-c", command], cwd=folder, env=environ, stdin=theirs, stdout=theirs, stderr=theirs
    ) as running:
        os.close(theirs)
        printed = b""
        while chunk := _read(ours):
            printed += chunk
        running.wait()
    os.close(ours)
    lines = printed.decode().replace("\r\n", "\n").rstrip("\n").split("\n")
    # A progress bar is overwritten: what counts is behind the last return of the carriage.
    left = [(line, line.rpartition("\r")[2]) for line in lines]
    return [last for line, last in left if _ESCAPE.sub("", last).strip() or not line]


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux reports the end of the other side as an error
        return b""


def draw(title: str, lines: Sequence[str]) -> str:
    """Return an SVG of a terminal with these lines."""
    widest = max(_NARROWEST, *(len(_ESCAPE.sub("", line)) for line in lines))
    width, height = round(2 * _PAD + widest * _ADVANCE), _BAR + _PAD + len(lines) * _LINE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}">',
        f'<rect width="{width}" height="{height}" rx="8" fill="#1b2130" stroke="#49526b"/>',
        *(f'<circle cx="{_PAD + at * 18}" cy="17" r="5" fill="#49526b"/>' for at in range(3)),
        f"<g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" "
        f'font-size="{_FONT}" fill="#d5dbe8">',
    ]
    for number, line in enumerate(lines):
        y = _BAR + _LINE * number + _FONT
        column = 0
        for text, style in spans(line):
            x, length = _PAD + column * _ADVANCE, len(text) * _ADVANCE
            parts.append(
                f'<text x="{x:g}" y="{y}" textLength="{length:g}" lengthAdjust="spacingAndGlyphs"{style}>'
                f"{escape(text).replace(' ', _SPACE)}</text>"
            )
            column += len(text)
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def spans(line: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a line that have one look, and the look as attributes."""
    end, codes = 0, frozenset[int]()
    for match in _ESCAPE.finditer(line):
        if text := line[end : match.start()]:
            yield text, _style(codes)
        end = match.end()
        for code in (match[1] or "0").split(";") if match[1] is not None else ():
            codes = frozenset() if int(code or 0) == 0 else codes | {int(code or 0)}
    if text := line[end:]:
        yield text, _style(codes)


def _style(codes: frozenset[int]) -> str:
    colour = next((_COLOURS[code] for code in sorted(codes, reverse=True) if code in _COLOURS), None)
    weight = ' font-weight="600"' if 1 in codes else ""
    faint = ' opacity="0.7"' if 2 in codes else ""
    return weight + faint + (f' fill="{colour}"' if colour else "")


if __name__ == "__main__":
    sys.exit(main())
