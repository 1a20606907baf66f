"""The HTML report in a browser, where there is one: its script runs, and nothing is refused."""

import shutil
import subprocess

import pytest

from fluxsecrets.report.html.page import html_page
from overviews import make_overview

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is on PATH: the report is not opened in a browser")
def test_the_script_runs_under_the_policy(tmp_path):
    (block,) = html_page(make_overview("</script><script>document.title='taken'</script>"), "1.2.3")
    page = tmp_path / "report.html"
    page.write_text("\n".join(block.lines), encoding="utf-8")
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    command += ["--enable-logging=stderr", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert '<form class="filters" id="filters">' in done.stdout, "the script shows the filters"
    assert "<title>Secrets of " in done.stdout
    assert "CONSOLE" not in done.stderr
