"""The comment that allows a finding, put together here: the files of tests are scanned, too."""


def allowing(rule, reason="made up"):
    """Return the comment's text, without the sign that starts a comment."""
    return f"fluxsecrets:{'allow'} {rule} — {reason}"
