"""What names of files and keys are, told in a short way and in a long one."""

from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.marks import TEMPLATE_SUFFIXES
from fluxsecrets.scan import filekinds, names
from fluxsecrets.scan.filekinds import is_yaml
from fluxsecrets.scan.names import LOGIN_FILES, login_form
from fluxsecrets.scan.structure.reader import show

SUFFIXES = (*filekinds._COPY_SUFFIXES, *TEMPLATE_SUFFIXES, *filekinds._YAML_SUFFIXES, *names._LOGIN_SUFFIXES)
NAMES = (*filekinds._YAML_NAMES, *LOGIN_FILES, "a", "A.YAML", "")
PATHS = st.builds(
    lambda folder, name, suffixes: folder + name + "".join(suffixes),
    st.sampled_from(["", "a/", "netrc/", "a.yaml/"]),
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(SUFFIXES), max_size=4),
)


@given(PATHS)
def test_a_manifest_is_known_by_its_name_without_every_suffix(path):
    name = path.rpartition("/")[2].lower()
    for suffix in (*filekinds._COPY_SUFFIXES, *TEMPLATE_SUFFIXES):
        name = name.removesuffix(suffix)
    assert is_yaml(path) == (name.endswith(filekinds._YAML_SUFFIXES) or name in filekinds._YAML_NAMES)


@given(PATHS)
def test_a_login_file_is_known_by_its_name_or_suffix(path):
    name = path.rpartition("/")[2].lower()
    forms = [form for suffix, form in names._LOGIN_SUFFIXES.items() if name.endswith(suffix)]
    assert login_form(path) == LOGIN_FILES.get(name, forms[0] if forms else "")


@given(st.text(max_size=5) | st.text("a1-_./ä² \n'", max_size=5))
def test_a_key_is_shown_as_it_is_if_each_sign_may_be(step):
    plain = bool(step) and all(sign.isalnum() or sign in "-_./" for sign in step)
    assert show((step,)) == (step if plain else f"[{step!a}]")
