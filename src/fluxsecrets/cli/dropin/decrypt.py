"""`sops decrypt` and `sops --decrypt`."""

from __future__ import annotations

from fluxsecrets.cli.dropin.call import Call
from fluxsecrets.cli.dropin.codes import (
    CONFLICTING_PARAMETERS,
    ERROR_DUMPING_TREE,
    GENERIC,
    INVALID_TREE_PATH,
    failing_with,
    usage_error,
)
from fluxsecrets.cli.dropin.job import (
    PLAIN_MODE,
    Job,
    converted,
    deliver,
    must_exist,
    open_job,
    output_stores,
    plain_data,
    read_job,
    refuse_both_outputs,
)
from fluxsecrets.cli.dropin.tree import parse_tree_path
from fluxsecrets.errors import FormatError, UsageError
from fluxsecrets.ops.files.content import OpenedFile
from fluxsecrets.sops.document import Leaf, Mapping, Node, Path, find, show_path, to_data
from fluxsecrets.sops.formats import make_format


def run(call: Call) -> int:
    """Decrypt a file or standard input."""
    if not call.arguments and call.values.on("in-place"):
        raise usage_error("--in-place needs a file, and none was named", CONFLICTING_PARAMETERS)
    call.warn_of_more()
    refuse_both_outputs(call)
    text = call.arguments[0] if call.arguments else None
    if text is not None:
        must_exist(call, text)
    path = extracted_path(call)
    job = read_job(call, text)
    deliver(call, job, decrypted(call, job, path), mode=PLAIN_MODE)
    return 0


def extracted_path(call: Call) -> Path:
    """What --extract says.

    Raises:
        UsageError: it is not a path.
    """
    with failing_with(INVALID_TREE_PATH):
        return parse_tree_path(call.values.text("extract"))


def decrypted(call: Call, job: Job, path: Path = ()) -> bytes:
    """The plain content of a job, or of what a path leads to in it."""
    opened = open_job(call, job)
    with job.named(), failing_with(GENERIC):
        if path:
            return _extracted(call, job, opened, path)
        if job.output == job.input:
            return _ended(call, job, opened.text())
        return converted(call, plain_data(opened), job.output)


def _ended(call: Call, job: Job, text: bytes) -> bytes:
    """YAML with a line break at its end, as sops writes it; without one if that would change a value."""
    if job.input != "yaml" or text.endswith(b"\n"):
        return text
    format_, ended = make_format("yaml"), text + b"\n"
    before, after = (format_.parse(each, call.session.limits).parts for each in (text, ended))
    same = [to_data(part) for part in before] == [to_data(part) for part in after]
    return ended if same else text


def _extracted(call: Call, job: Job, opened: OpenedFile, path: Path) -> bytes:
    node = find(opened.parts[0], path)
    if node is None:
        raise UsageError(f"the file has no {show_path(path)}", hint="keys are not encrypted: look there")
    if isinstance(node, Leaf) and isinstance(node.value, str | bytes):
        return node.value.encode() if isinstance(node.value, str) else node.value
    with failing_with(ERROR_DUMPING_TREE, FormatError):
        if isinstance(node, Mapping):
            return converted(call, [to_data(node)], job.output)
        return _emitted(call, node, job.output)


def _emitted(call: Call, node: Node, format_name: str) -> bytes:
    """A list, or a single value that is not text, as the stores of sops write one (`EmitValue`)."""
    if format_name in ("dotenv", "binary"):
        raise FormatError(f"{format_name} cannot hold this value", hint="add --output-type json")
    data, stores = to_data(node), output_stores(call)
    if format_name == "yaml":
        return make_format("yaml", stores).render([data])
    from fluxsecrets.sops.formats.json import dump, indent_unit

    # sops: an INI value is JSON on one line.
    text = dump(data, "\n" if format_name == "json" else None, indent_unit(stores.json_indent)).encode()
    as_json = make_format("json")
    return as_json.checked(text, as_json.readable([data]))
