from pathlib import Path

import pytest

from fluxsecrets.scan.cachefile import cache_folder


@pytest.mark.parametrize(
    ("platform", "environ", "folder"),
    [
        ("linux", {"HOME": "/home/a"}, "/home/a/.cache/fluxsecrets"),
        ("linux", {"HOME": "/home/a", "XDG_CACHE_HOME": "/c"}, "/c/fluxsecrets"),
        ("linux", {"HOME": "/home/a", "XDG_CACHE_HOME": "c"}, "/home/a/.cache/fluxsecrets"),
        ("darwin", {"HOME": "/Users/a", "XDG_CACHE_HOME": "/c"}, "/Users/a/Library/Caches/fluxsecrets"),
        ("win32", {"LOCALAPPDATA": "C:/Users/a/Local"}, "C:/Users/a/Local/fluxsecrets/Cache"),
    ],
)
def test_the_cache_is_where_the_system_has_caches(platform, environ, folder):
    assert cache_folder(environ, platform) == Path(folder)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("home", ["", "relative"])
def test_there_is_no_cache_without_a_home(platform, home):
    assert cache_folder({"HOME": home, "LOCALAPPDATA": ""}, platform) is None
