"""The picture of the architecture: rooms from top to bottom, as imports go."""

from html import escape

_ROWS = (
    (
        ("cli", "parses, calls one operation, renders"),
        ("mcp", "tools for agents, without values"),
        ("api", "the Python library"),
    ),
    (("report", "text, JSON, SARIF, HTML: all prose"),),
    (("ops", "what the commands do: encrypt, rotate, people, merge, review, masked, live, extract, init …"),),
    (
        ("audit", "rules"),
        ("scan", "plain text"),
        ("sealed", "Sealed Secrets"),
        ("external", "stores"),
        ("cluster", "what kubectl reads"),
    ),
    (("flux", "what kustomize-controller does"),),
    (("findings", "model, baselines, allowances"),),
    (
        ("repo", "git, kustomize, environments"),
        ("keys", "age, SSH, PGP, cloud keys"),
        ("merging", "three-way, by value"),
        ("placeholders", "same shape, no value"),
    ),
    (("sops", "the file format: bytes in, bytes out"),),
    (("clouds", "calls of services"),),
    (("files", "atomic writing"), ("errors", "one tree"), ("marks", "shared facts")),
)
_WIDTH, _ROW, _GAP = 960, 56, 12


def drawing() -> str:
    """Return the picture as SVG. It brings its own background, for light and for dark pages."""
    height = len(_ROWS) * (_ROW + _GAP) + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        'aria-label="Rooms of the code, from the command line down to shared facts; imports point down only" '
        'font-family="system-ui, sans-serif">',
        f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="#f5f7fa"/>',
    ]
    for number, row in enumerate(_ROWS):
        width = (_WIDTH - _GAP * (len(row) + 1)) / len(row)
        top = _GAP + number * (_ROW + _GAP)
        for place, (name, text) in enumerate(row):
            left = _GAP + place * (width + _GAP)
            middle = left + width / 2
            parts += [
                f'<rect x="{left:g}" y="{top}" width="{width:g}" height="{_ROW}" rx="6" fill="#e3e9f7" '
                'stroke="#5b6fb5"/>',
                f'<text x="{middle:g}" y="{top + 24}" text-anchor="middle" font-size="17" font-weight="600" '
                f'fill="#1d2547">{escape(name)}</text>',
                f'<text x="{middle:g}" y="{top + 43}" text-anchor="middle" font-size="13" fill="#3c4668">'
                f"{escape(text)}</text>",
            ]
    return "\n".join([*parts, "</svg>"]) + "\n"
