"""Command lines without a subcommand: `sops -d FILE`, `sops -e -i FILE`, `sops FILE`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fluxsecrets.cli.dropin.call import Call
from fluxsecrets.cli.dropin.job import (
    ENCRYPTED_MODE,
    PLAIN_MODE,
    Job,
    absolute_path,
    deliver,
    must_exist,
    read_job,
    refuse_both_outputs,
)

_MODES = ("set", "rotate", "decrypt", "encrypt")
"""The modes, the one that wins where several are named first."""


def run(call: Call) -> int:
    """Do what the flags say, or edit the file where they say nothing."""
    text = call.first_argument()
    refuse_both_outputs(call)
    modes = [mode for mode in _MODES if call.values.on(mode) or call.values.text(mode)]
    if len(modes) > 1:
        call.warn(f"of {', '.join(f'--{mode}' for mode in reversed(modes))} only --{modes[0]} counts")
    mode = modes[0] if modes else "edit"
    if any(flag.startswith(("add-", "rm-")) for flag in call.values.given):
        from fluxsecrets.cli.dropin.rotate import refuse_keys_of_no_file

        refuse_keys_of_no_file(call, text)
    if mode not in ("set", "edit"):
        must_exist(call, text)
    if mode != "decrypt":
        _require_rule(call, text)
    _RUN[mode](call, text)
    return 0


def _require_rule(call: Call, text: str) -> None:
    """Where there are rules one has to match, even for what needs none: as with sops."""
    from fluxsecrets.cli.dropin.policy import matching_rule

    name = call.values.text("filename-override") or text
    matching_rule(call, absolute_path(call.session.cwd / name))


def _decrypt(call: Call, text: str) -> None:
    from fluxsecrets.cli.dropin.decrypt import decrypted, extracted_path

    path = extracted_path(call)
    job = read_job(call, text)
    deliver(call, job, decrypted(call, job, path), mode=PLAIN_MODE)


def _encrypt(call: Call, text: str) -> None:
    from fluxsecrets.cli.dropin.encrypt import encrypted

    _deliver_encrypted(call, text, encrypted)


def _rotate(call: Call, text: str) -> None:
    from fluxsecrets.cli.dropin.rotate import rotated

    _deliver_encrypted(call, text, rotated)


def _deliver_encrypted(call: Call, text: str, action: Callable[[Call, Job], bytes]) -> None:
    job = read_job(call, text)
    deliver(call, job, action(call, job), mode=ENCRYPTED_MODE)


def _set(call: Call, text: str) -> None:
    from fluxsecrets.cli.dropin.change import parse_set_flag, value_set

    path, value = parse_set_flag(call.values.text("set"))
    job = read_job(call, text)
    deliver(call, job, value_set(call, job, path, value)[0], in_place=True, mode=ENCRYPTED_MODE)


def _edit(call: Call, text: str) -> None:
    from fluxsecrets.cli.dropin.edit import create, edited

    if not (call.session.cwd / text).exists():
        create(call, text)
        return
    job = read_job(call, text)
    deliver(call, job, edited(call, job), in_place=True, mode=ENCRYPTED_MODE)


_RUN: Mapping[str, Callable[[Call, str], None]] = {
    "decrypt": _decrypt,
    "encrypt": _encrypt,
    "rotate": _rotate,
    "set": _set,
    "edit": _edit,
}
