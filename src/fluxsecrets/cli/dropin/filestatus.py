"""`sops filestatus`."""

from __future__ import annotations

from fluxsecrets.cli.dropin.call import Call
from fluxsecrets.cli.dropin.codes import GENERIC, failing_with
from fluxsecrets.cli.dropin.job import read_job
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.files.content import parse
from fluxsecrets.sops.formats import make_format


def run(call: Call) -> int:
    """Print whether a file is encrypted, as JSON; no key is needed."""
    try:
        job = read_job(call, call.first_argument())
    except FluxsecretsError as error:
        if call.arguments:
            error.exit_code = GENERIC  # sops: what FileStatus returns has no code of its own
        raise
    with job.named(), failing_with(GENERIC):
        metadata = parse(make_format(job.input), job.data, call.session.limits).metadata
    encrypted = metadata is not None and bool(metadata.version) and bool(metadata.mac)
    call.out.text(['{"encrypted":true}' if encrypted else '{"encrypted":false}'])
    return 0
