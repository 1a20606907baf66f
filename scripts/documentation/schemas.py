"""A JSON Schema per command, and the table of docs/json-output.md, of the types in `report.wire`."""

import ast
import inspect
import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from fluxsecrets.report.json import VERSION
from fluxsecrets.report.wire.common import Failure
from fluxsecrets.report.wire.outputs import OUTPUTS

_START, _END = "<!-- outputs -->\n", "<!-- end -->"
_FAILURE = "failure.schema.json"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_ROOT = (
    "The root of the repository, relative to the working directory with `/`. All paths are relative to it. "
    "Null outside of a repository."
)

Schema = dict[str, Any]


def file_name(command: str) -> str:
    """Return the name of a command's schema, such as `audit-who.schema.json`."""
    return f"{command.replace(' --', '-').replace(' ', '-')}.schema.json"


def pages(docs: Path) -> dict[str, str]:
    """Return the schemas and the page with the table, by path below docs/."""
    found = {f"schema/{file_name(command)}": schema_of(command) for command in OUTPUTS}
    found[f"schema/{_FAILURE}"] = _failure()
    page = with_table((docs / "json-output.md").read_text(encoding="utf-8"))
    return {name: json.dumps(schema, indent=2) + "\n" for name, schema in found.items()} | {
        "json-output.md": page
    }


def schema_of(command: str) -> Schema:
    """Return the schema of what a command prints: one of its objects, or a failure."""
    types = OUTPUTS[command]
    refs, parts = _parts(*types, Failure)
    head = _head({"const": command})
    return {
        "$schema": _DRAFT,
        "$id": _id(file_name(command)),
        "title": f"fluxsecrets {command} --format json",
        "description": inspect.getdoc(types[0]),
        "type": "object",
        "oneOf": refs,
        "$defs": {
            name: {
                **part,
                "properties": {**head, **part["properties"]},
                "required": [*head, *part["required"]],
            }
            if {"$ref": f"#/$defs/{name}"} in refs
            else part
            for name, part in parts.items()
        },
    }


def _failure() -> Schema:
    """Return the schema of a failure of any command."""
    _, parts = _parts(Failure)
    whole, head = parts.pop("Failure"), _head({"type": ["string", "null"], "description": "Null if unknown."})
    return {
        "$schema": _DRAFT,
        "$id": _id(_FAILURE),
        "title": "fluxsecrets --format json: a failure",
        **{key: whole[key] for key in ("description", "type")},
        "properties": {**head, **whole["properties"]},
        "required": [*head, *whole["required"]],
        "$defs": parts,
    }


def _id(name: str) -> str:
    return f"urn:fluxsecrets:json-output:{VERSION}:{name.removesuffix('.schema.json')}"


def _head(command: Schema) -> Schema:
    return {
        "version": {"const": VERSION, "description": "Of this form; docs/json-output.md lists the changes."},
        "command": command,
        "root": {"type": ["string", "null"], "description": _ROOT},
    }


def _parts(*types: type) -> tuple[list[Schema], dict[str, Schema]]:
    """Return references to types, and the schemas of these and of all that they are made of."""
    refs, components = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    known = {each.__name__: each for each in _with_nested(types)}
    return list(refs), {name: _described(components[name], known[name]) for name in known}


def _with_nested(types: tuple[type, ...]) -> Iterator[type]:
    """Yield types, and those of their fields, each once, in order."""
    seen: dict[type, None] = {}
    waiting = list(reversed(types))
    while waiting:
        each = waiting.pop()
        if each in seen:
            continue
        seen[each] = None
        waiting += reversed([part for hint in get_type_hints(each).values() for part in _classes(hint)])
    yield from seen


def _classes(hint: Any) -> Iterator[type]:
    if hasattr(hint, "__required_keys__"):
        yield hint
    for part in getattr(hint, "__args__", ()):
        yield from _classes(part)


def _described(schema: Schema, made_of: type) -> Schema:
    """Return a schema with the fields in the order of the class, and with their descriptions."""
    texts = fields_of(made_of)
    properties = {}
    for name in get_type_hints(made_of):
        text = texts.get(name)
        short = _short(schema["properties"][name])
        properties[name] = {**short, "description": text} if text else short
    required = [name for name in properties if name in schema["required"]]
    return {
        "description": inspect.getdoc(made_of),
        "type": "object",
        "properties": properties,
        "required": required,
    }


def _short(schema: Schema) -> Schema:
    """Return `anyOf` of plain types as a list of types, which is easier to read."""
    choices = schema.get("anyOf")
    if choices is not None and all(set(each) == {"type"} for each in choices):
        return {"type": [each["type"] for each in choices]}
    return schema


@cache
def fields_of(made_of: type) -> Mapping[str, str]:
    """Return the strings below the fields of a class and of what it is derived from, by the field's name."""
    definition = _definition(made_of)
    found: dict[str, str] = {}
    # At run time, a TypedDict does not know the classes that it is derived from.
    for base in definition.bases:
        if isinstance(base, ast.Name) and base.id != "TypedDict":
            found |= fields_of(getattr(sys.modules[made_of.__module__], base.id))
    for field, text in pairwise(definition.body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                found[name] = inspect.cleandoc(words)
    return found


def _definition(made_of: type) -> ast.ClassDef:
    """Return the source of a class.

    Raises:
        TypeError: it is not a class.
    """
    (found,) = ast.parse(inspect.getsource(made_of)).body
    if not isinstance(found, ast.ClassDef):
        raise TypeError(f"{made_of} is not a class")
    return found


def with_table(page: str) -> str:
    """Return the page with the table of commands up to date."""
    head, _, rest = page.partition(_START)
    lines = ["| `command` | the object | its fields |", "|---|---|---|", *map(_row, OUTPUTS)]
    return head + _START + "\n".join(lines) + "\n" + _END + rest.partition(_END)[2]


def _row(command: str) -> str:
    types = OUTPUTS[command]
    what = " ".join(str(inspect.getdoc(each)).partition("\n")[0] for each in types)
    fields = "; or ".join(", ".join(_fields(each)) for each in types)
    return f"| [`{command}`](schema/{file_name(command)}) | {what} | {fields} |"


def _fields(made_of: type) -> Iterator[str]:
    shown = {"Error", "Note"}
    for name, hint in get_type_hints(made_of).items():
        below = [each for each in _classes(hint) if each.__name__ not in shown]
        shown |= {each.__name__ for each in below}
        inner = ", ".join(f"`{field}`" for each in below for field in get_type_hints(each))
        yield f"`{name}`" + (f" ({inner})" if inner else "")
