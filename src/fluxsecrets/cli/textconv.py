"""`fluxsecrets textconv`."""

from __future__ import annotations

import click

from fluxsecrets.cli.options import PathArgument, make_session


@click.command("textconv")
@click.argument("path", cls=PathArgument, metavar="FILE")
def command(*, path: str) -> int:
    """Print a file with its values masked, so that git can compare and show it.

    git runs this for files with the attribute diff=fluxsecrets; `fluxsecrets hook install` sets it up. A
    value is shown by its type, a range for its length in bytes, and a token that stays the same until the
    value is encrypted anew. In place of the sops block are lines with the selector and the recipients. No key
    is needed.

    Plain text of a secret is masked, too. A file that is not a secret is printed as it is; one that can't be
    read is not shown.

    With `git config fluxsecrets.textconv values`, the values are printed if your identities can decrypt the
    file. That is refused if git would keep them in a cache (diff.*.cachetextconv).
    """
    import os

    from fluxsecrets.cli.textconvshow import may_want_values, show, show_masked

    if not may_want_values(os.environ):
        show_masked(path)
        return 0
    from fluxsecrets.ops.compare.show import as_configured

    show(as_configured(make_session(), path))
    return 0
