"""`pathPattern` of an ArtifactGenerator."""

import pytest

from fluxsecrets.repo.pathpatterns import matches

FOLDERS = ["", "apps", "apps/Web", "apps/Web/envs", "apps/Web/envs/prod", "apps/db/envs/prod", "infra"]


def test_each_folder_with_its_captures():
    found = matches("@repo/apps/{app}/envs/{env}", FOLDERS)
    assert [(each.folder, dict(each.values)) for each in found] == [
        ("apps/Web/envs/prod", {"app": "Web", "env": "prod"}),
        ("apps/db/envs/prod", {"app": "db", "env": "prod"}),
    ]
    assert found[0].name("{app}-{env}") == "web-prod"
    assert found[0].fill("@repo/apps/{app}/**") == "@repo/apps/Web/**"


def test_a_template_with_another_capture_is_not_filled():
    (found,) = matches("@repo/{app}", ["web"])
    assert (found.fill("{env}"), found.fill("{app"), found.fill("}")) == (None, None, None)


@pytest.mark.parametrize(
    "pattern", ["apps/{app}", "@repo/{a}/{a}", "@repo/{}", "@repo/{app", "@repo/{a b}", "@Repo/x"]
)
def test_patterns_that_stop_the_generator(pattern):
    assert matches(pattern, ["apps/web"]) == ()


def test_a_folder_whose_name_can_not_be_a_label_stops_the_generator():
    assert matches("@repo/apps/{app}", ["apps/web", "apps/.hidden"]) == ()


def test_the_pattern_is_text_beside_its_captures():
    assert [each.folder for each in matches("@repo/a.b/{x}", ["a.b/c", "aXb/c"])] == ["a.b/c"]
