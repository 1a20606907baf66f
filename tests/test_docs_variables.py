"""docs/variables.md names every variable of the environment that the source reads."""

import ast
import re
from pathlib import Path

from pagefiles import DOCS, PROJECT

# A name that is put together, such as VAULT_ADDR, is not seen.
_PREFIXES = (
    "AWS_|AZD_|AZURE_|BAO_|CI_|CLOUDSDK_|FLUXSECRETS_|GCE_|GIT_|GITHUB_|GOOGLE_|GPG_|OP_CONNECT_"
    "|PRE_COMMIT|SOPS_|VAULT_|XDG_"
)
_VARIABLE = re.compile(rf"(?:{_PREFIXES})[A-Z0-9_]*")
_NAME = re.compile(r"[A-Z][A-Z0-9_]+")
_SET = {  # what is set for other programs only
    "GIT_ALLOW_PROTOCOL",
    "GIT_NO_LAZY_FETCH",
    "GIT_OPTIONAL_LOCKS",
    "GIT_TERMINAL_PROMPT",
    "PRE_COMMIT_HOOK",
    "PWD",
}


def texts(node):
    return [each.value for each in node if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def looked_up(tree):
    """The names by which something called an environment is asked."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            of, names = node.func.value, texts(node.args[:1])
        elif isinstance(node, ast.Subscript):
            of, names = node.value, texts([node.slice])
        elif isinstance(node, ast.Compare):
            of, names = node.comparators[0], texts([node.left])
        else:
            continue
        if "environ" in ast.unparse(of):
            yield from names


def test_every_variable_that_is_read_is_listed():
    found = {}
    for path in (PROJECT / "src").rglob("*.py"):
        if "scan" in Path(path).parts:  # its rules and samples name the variables of others
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = [text for text in texts(ast.walk(tree)) if _VARIABLE.fullmatch(text)]
        for name in (*named, *(name for name in looked_up(tree) if _NAME.fullmatch(name))):
            found.setdefault(name, path.name)
    assert len(found) > 60
    listed = set(re.findall(r"[A-Z][A-Z0-9_]+", (DOCS / "variables.md").read_text(encoding="utf-8")))
    assert {name: place for name, place in found.items() if name not in listed | _SET} == {}
