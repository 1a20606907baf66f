"""Write the generated pages: `make docs`. Tests compare them with what the program says."""

import sys

from documentation.pages import DOCS, pages


def main() -> int:
    """Write each page that is not up to date."""
    for name, text in pages().items():
        path = DOCS / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
