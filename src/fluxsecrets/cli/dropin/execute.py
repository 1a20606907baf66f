"""`sops exec-env` and `sops exec-file`."""

from __future__ import annotations

from fluxsecrets.cli.dropin.call import Call
from fluxsecrets.cli.dropin.codes import GENERIC, failing_with, usage_error
from fluxsecrets.cli.dropin.decrypt import decrypted
from fluxsecrets.cli.dropin.job import Job, open_job, read_job
from fluxsecrets.ops.exec.child import Command, find_user
from fluxsecrets.ops.exec.execute import EnvOptions, opened_values, run_with_file, run_with_values
from fluxsecrets.ops.exec.variables import allowed_names
from fluxsecrets.sops.document import Leaf
from fluxsecrets.sops.values import canonical_bytes

_FILE_NAME = "tmp-file"


def run_env(call: Call) -> int:
    """Run a command with the values of a file in its environment; its exit code is ours."""
    job, command = _prepared(call)
    opened = open_job(call, job)
    with job.named(), failing_with(GENERIC):
        if opened.format.single_value:
            data = opened.parts[0].get("data")
            values = {"data": canonical_bytes(data.value)} if isinstance(data, Leaf) else {}
        else:
            values = opened_values(opened, allowed_names(call.session.environ))
    options = EnvOptions(call.values.on("pristine"), call.values.on("same-process"))
    return run_with_values(call.session, command, values, options)


def run_file(call: Call) -> int:
    """Run a command that reads a decrypted file, by the path that `{}` stands for."""
    job, command = _prepared(call)
    data = decrypted(call, job)
    name = call.values.text("filename") or _FILE_NAME
    return run_with_file(call.session, command, data, name, fifo=not call.values.on("no-fifo"))


def _prepared(call: Call) -> tuple[Job, Command]:
    if len(call.arguments) != 2:
        raise usage_error(
            "this takes 2 arguments: FILE COMMAND", GENERIC, "put the whole command into quotes"
        )
    if call.values.on("background"):
        raise usage_error(
            "--background is not carried; sops has deprecated it",
            GENERIC,
            "let the command's own shell do it: 'COMMAND &'",
        )
    user = call.values.text("user")
    with failing_with(GENERIC):
        command = Command((call.arguments[1],), shell=True, user=find_user(user) if user else None)  # noqa: S604 - as sops
    return read_job(call, call.arguments[0]), command
