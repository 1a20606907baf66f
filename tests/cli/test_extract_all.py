"""`fluxsecrets extract --all`: what `scan` reports moves to encrypted Secrets, if a reference can follow."""

import json
import re

import pytest
import yaml

from audit_tree import RULES, cluster, kustomization, write
from crashes import disk, put_back, states_of
from fluxsecrets.repo.git import process
from fluxsecrets.repo.goyaml.read import read
from fluxsecrets.repo.kustomize import reading
from helm.compose import compose, same
from helm.releases import OBJECTS, releases
from proposing import SETTINGS, rendered, values_of

VALUE = "throwAway-9fK2mQx"
FLUX = kustomization("shop", "apps/shop")
CONTAINERS = f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  namespace: shop
spec:
  selector: {{matchLabels: {{app: shop}}}}
  template:
    metadata: {{labels: {{app: shop}}}}
    spec:
      initContainers:
        - name: migrate
          image: example.org/shop
          env:
            - {{name: DB_PASSWORD, value: "{VALUE}$$db"}}  # the same as below
      containers:
        - name: shop
          image: example.org/shop
          args: [--database=$(DB_URL)]
          env:
            # of the database
            - name: DB_PASSWORD
              value: {VALUE}$$db
            - name: DB_URL
              value: postgres://shop:$(DB_PASSWORD)@db/shop
            - name: API_TOKEN
              value: {VALUE}xKq9fK2m8821
            - name: CACHE_PASSWORD
              valueFrom: {{configMapKeyRef: {{name: shop, key: cache-password}}}}
            - name: LOG_LEVEL
              value: info
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: shop
  namespace: shop
data:
  cache-password: {VALUE}-cache
  log-level: info  # stays
"""


@pytest.fixture
def shop(tmp_path, git, monkeypatch, act_as):
    """Makes a repository with one environment, in which Flux applies apps/shop."""

    def make(files, listed=None):
        act_as("alice")
        named = sorted(files if listed is None else listed)
        write(
            tmp_path,
            {
                ".sops.yaml": RULES,
                ".fluxsecrets.yaml": SETTINGS,
                **cluster("production"),
                "clusters/production/shop.yaml": FLUX,
                "apps/shop/kustomization.yaml": "resources:\n" + "".join(f"- {name}\n" for name in named),
                **{f"apps/shop/{name}": text for name, text in files.items()},
            },
        )
        git(tmp_path, "init", "--quiet")
        git(tmp_path, "add", "--all")
        git(tmp_path, "-c", "user.name=t", "-c", "user.email=t@x", "commit", "-qm", "start")
        monkeypatch.chdir(tmp_path)
        return tmp_path / "apps/shop"

    return make


def extract(cli, *words, code=0):
    result = cli("extract", *words, "--format", "json")
    assert result.exit_code == code, result.stderr
    return json.loads(result.stdout)


def reasons(found):
    return {each["key"]: each["reason"] for each in found["left"]}


def environment_of(cli):
    """What the containers of the Deployment get, by variable, as Flux would apply them."""
    objects = [item for each in rendered(cli) for item in each]
    data = {
        (each["kind"], each["metadata"]["name"]): values_of(each)
        if each["kind"] == "Secret"
        else each.get("data", {})
        for each in objects
        if each["kind"] in ("Secret", "ConfigMap")
    }
    pod = next(each for each in objects if each["kind"] == "Deployment")["spec"]["template"]["spec"]
    containers = [*pod["initContainers"], *pod["containers"]]
    return [{item["name"]: variable(item, data) for item in each["env"]} for each in containers]


def variable(item, data):
    if "value" in item:
        return item["value"].replace("$$", "$")
    ((field, reference),) = item["valueFrom"].items()
    kind = {"secretKeyRef": "Secret", "configMapKeyRef": "ConfigMap"}[field]
    return data[kind, reference["name"]][reference["key"]]


def test_containers_and_what_they_read_get_the_same_from_secrets(shop, cli, snapshot):
    folder = shop({"shop.yaml": CONTAINERS})
    before = environment_of(cli)
    result = cli("extract", "--all")
    assert result.exit_code == 0, result.stderr
    assert f"{result.stdout}---\n{result.stderr}" == snapshot
    assert environment_of(cli) == before
    assert (folder / "shop.yaml").read_text() == snapshot(name="shop.yaml")
    assert not any(VALUE in path.read_text() for path in folder.iterdir())
    assert cli("scan").exit_code == 0
    assert cli("verify", "--env", "production").exit_code == 0
    again = extract(cli, "--all")
    assert (again["files"], again["left"]) == ([], [])


def test_all_releases_compose_to_the_same_values_and_scan_finds_nothing(shop, cli):
    made = {each.file: each for each in releases()}
    folder = shop({name: each.content.decode() for name, each in made.items()})
    before = {name: composed(folder, made[name]) for name in made}
    assert cli("scan").exit_code == 1
    found = extract(cli, "--all")
    assert not found["left"]
    for name, release in made.items():
        assert same(before[name], composed(folder, release, cli)), name
    assert cli("scan").exit_code == 0


def composed(folder, release, cli=None):
    """The values of a HelmRelease in a file, with those of its Secrets if they can be decrypted."""
    text = (folder / release.file).read_text(encoding="utf-8")
    documents = [read(part) for part in re.split(r"(?m)^---$", text)]
    spec = documents[release.document if release.file.endswith(".yaml") else 0]["spec"]
    objects = dict(OBJECTS)
    for path in folder.glob(f"{release.name}-values*.yaml") if cli is not None else ():
        secret = yaml.safe_load(cli("decrypt", f"apps/shop/{path.name}").stdout)
        objects["Secret", secret["metadata"]["name"]] = secret["stringData"]
    return compose(spec.get("values"), spec.get("valuesFrom") or [], objects)


RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: db, namespace: shop}
spec:
  valuesFrom:
    - kind: ConfigMap
      name: db-values
"""
READERS = {
    "a volume": ("volumes: [{name: c, configMap: {name: shop}}]", "move all of its secret keys"),
    "envFrom with more behind": (
        "containers: [{name: a, image: b, envFrom: [{configMapRef: {name: shop}}, {secretRef: {name: c}}]}]",
        "reads other variables after those of the ConfigMap",
    ),
    "nothing": ("containers: [{name: a, image: b}]", "no object was found that reads"),
}


@pytest.mark.parametrize("how", READERS)
def test_a_key_stays_in_a_config_map_if_a_reference_cannot_follow(shop, cli, how):
    pod, reason = READERS[how]
    folder = shop({"shop.yaml": config_map_with(pod)})
    before = (folder / "shop.yaml").read_bytes()
    found = extract(cli, "--all", code=1)
    assert not found["files"]
    assert reason in reasons(found)["data.cache-password"]
    assert (folder / "shop.yaml").read_bytes() == before
    assert cli("extract", "apps/shop/shop.yaml", "cache-password").exit_code == 2


def test_all_variables_of_a_config_map_come_from_both(shop, cli):
    source = "{prefix: X_, configMapRef: {name: shop, optional: true}}"
    folder = shop({"shop.yaml": config_map_with(f"containers: [{{name: a, image: b, envFrom: [{source}]}}]")})
    found = extract(cli, "--all")
    assert [each["object"] for each in found["files"]] == ["ConfigMap shop"]
    secret = source.replace("configMapRef", "secretRef").replace("shop", "shop-secret")
    text = (folder / "shop.yaml").read_text()
    assert f"envFrom: [{source}, {{prefix: X_, secretRef:" in text
    assert sorted(re.findall(r"\w+: [\w-]+", secret)) == sorted(
        re.findall(r"\w+: [\w-]+", text.partition(f"[{source}, ")[2].partition("]")[0])
    )
    assert cli("scan").exit_code == 0


def config_map_with(pod):
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: shop, namespace: shop}}\nspec: {{{pod}}}\n---\n"
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: shop, namespace: shop}}\n"
        f"data: {{cache-password: {VALUE}-cache}}\n"
    )


ODD = {
    "a reference to another variable": (
        "env: [{name: DB_PASSWORD, value: $(OTHER)-9fK2mQx}]",
        "another variable",
    ),
    "an argument": (f'args: ["--password={VALUE}"]', "can't replace it in Pod shop"),
    "a number": ("env: [{name: DB_PASSWORD, value: 73015528}]", "is not text"),
}


@pytest.mark.parametrize("what", ODD)
def test_what_no_reference_can_replace_is_left_with_a_reason(shop, cli, what):
    container, reason = ODD[what]
    pod = f"containers: [{{name: a, image: b, {container}}}]"
    folder = shop({"shop.yaml": f"apiVersion: v1\nkind: Pod\nmetadata: {{name: shop}}\nspec: {{{pod}}}\n"})
    before = (folder / "shop.yaml").read_bytes()
    named = cli("extract", "apps/shop/shop.yaml", "DB_PASSWORD")
    assert named.exit_code == 2
    found = extract(cli, "--all", code=1 if cli("scan").exit_code else 0)
    assert not found["files"]
    assert reason in named.stderr or any(reason in each["reason"] for each in found["left"])
    assert (folder / "shop.yaml").read_bytes() == before


def test_one_value_that_flux_would_not_apply_alike_does_not_stop_the_others(shop, cli):
    patch = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop, namespace: shop}}
spec:
  template:
    spec:
      containers:
        - name: shop
          env: [{{name: API_TOKEN, value: {VALUE}xKq9fK2m8823}}]
"""
    folder = shop({"shop.yaml": CONTAINERS, "patch.yaml": patch}, listed=["shop.yaml"])
    listing = folder / "kustomization.yaml"
    listing.write_text(listing.read_text() + "patches: [{path: patch.yaml}]\n")
    before = environment_of(cli)
    found = extract(cli, "--all", code=1)
    assert {each["object"] for each in found["files"]} == {"Deployment shop", "ConfigMap shop"}
    assert all("API_TOKEN" not in value["how"] for each in found["files"] for value in each["values"])
    assert {each["path"] for each in found["left"]} == {"apps/shop/shop.yaml", "apps/shop/patch.yaml"}
    assert environment_of(cli) == before


def test_a_values_file_in_a_config_map_becomes_a_secret_for_its_release(shop, cli):
    config = f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: db-values, namespace: shop}}
data:
  values.yaml: |
    auth:
      password: {VALUE}
"""
    folder = shop({"db.yaml": RELEASE, "values.yaml": config})
    found = extract(cli, "--all")
    assert found["files"][0]["readers"] == ["apps/shop/db.yaml"]
    assert (folder / "db.yaml").read_text() == RELEASE.replace("ConfigMap", "Secret").replace(
        "name: db-values", "name: db-values-secret"
    )
    assert cli("scan").exit_code == 0


def test_a_dry_run_and_a_list_write_nothing(shop, cli):
    folder = shop({"shop.yaml": CONTAINERS})
    before = disk([folder.parents[1]])
    found = extract(cli, "--all", "--dry-run")
    assert found["dry_run"]
    assert len(found["files"]) == 2
    assert extract(cli, "--all", "--env", "production", "--dry-run") == found
    assert extract(cli, "--all", "apps/shop/shop.yaml", "--dry-run") == found
    assert extract(cli, "--all", "clusters", "--dry-run")["files"] == []
    listed = cli("extract", "apps/shop/shop.yaml")
    assert listed.exit_code == 0
    assert VALUE not in listed.stdout + listed.stderr
    assert disk([folder.parents[1]]) == before


def test_an_interrupted_run_is_completed_or_undone(shop, cli, environment, monkeypatch):
    folder = shop({"shop.yaml": CONTAINERS})
    state = environment / "state"
    state.mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    roots = [folder.parents[1], state]
    start = disk(roots)
    states = states_of(lambda: cli("extract", "--all"), roots)
    end = {path.name: path.read_text() for path in folder.iterdir()}
    assert len(states) > 3
    for number, each in enumerate(states):
        put_back(each, roots)
        result = cli("extract", "--resume" if number % 2 else "--abort")
        assert result.exit_code in (0, 2), result.stderr
        found = {path.name: path.read_text() for path in folder.iterdir()}
        assert found.keys() in (end.keys(), {"shop.yaml", "kustomization.yaml"})
    put_back(start, roots)


def test_options_about_one_object_do_not_go_with_all(cli, shop):
    shop({"shop.yaml": CONTAINERS})
    for words in (["--secret", "x"], ["--to", "x.yaml"], ["--document", "1"]):
        assert cli("extract", "--all", *words).exit_code == 2
    assert "add --all" in cli("extract", "apps/shop/shop.yaml", "--env", "production").stderr


GENERATED = """\
configMapGenerator:
  - name: db-values
    namespace: shop
    files: [values.yaml=db-values.yaml]
    options: {disableNameSuffixHash: true}
"""
VALUES = f"""\
# values of the database
auth:
  database: shop
  password: {VALUE}  # of the user
users:
  - name: admin
    token: {VALUE}xKq9fK2m8821
primary: {{}}
"""


def test_a_values_file_keeps_what_is_not_secret_and_its_release_merges_the_rest(shop, cli, snapshot):
    folder = shop({"db.yaml": RELEASE, "db-values.yaml": VALUES}, listed=["db.yaml"])
    listing = folder / "kustomization.yaml"
    listing.write_text(listing.read_text() + GENERATED)
    before = composed_by_flux(cli)
    found = extract(cli, "--all")
    assert found["files"][0]["readers"] == ["apps/shop/db.yaml"]
    assert same(composed_by_flux(cli), before)
    assert (folder / "db-values.yaml").read_text() == snapshot(name="db-values.yaml")
    assert (folder / "db.yaml").read_text() == snapshot(name="db.yaml")
    assert (folder / "kustomization.yaml").read_text() == snapshot(name="kustomization.yaml")
    assert cli("scan").exit_code == 0


def test_the_name_of_a_generated_config_map_may_have_a_hash(shop, cli):
    folder = shop({"db.yaml": RELEASE, "db-values.yaml": VALUES}, listed=["db.yaml"])
    (folder / "names.yaml").write_text(
        "nameReference:\n- kind: ConfigMap\n  version: v1\n"
        "  fieldSpecs: [{path: spec/valuesFrom/name, kind: HelmRelease}]\n"
    )
    listing = folder / "kustomization.yaml"
    hashed = GENERATED.replace(
        "    options: {disableNameSuffixHash: true}\n", "configurations: [names.yaml]\n"
    )
    listing.write_text(listing.read_text() + hashed)
    before = composed_by_flux(cli)
    extract(cli, "--all")
    assert same(composed_by_flux(cli), before)
    assert cli("scan").exit_code == 0


@pytest.mark.parametrize("how", ["nothing reads it", "another reference follows", "it is read as one value"])
def test_a_values_file_stays_if_its_release_cannot_merge_a_secret_over_it(shop, cli, how):
    release = {
        "nothing reads it": RELEASE.replace("db-values", "other"),
        "another reference follows": RELEASE + "    - {kind: ConfigMap, name: other, optional: true}\n",
        "it is read as one value": RELEASE + "      targetPath: config\n",
    }[how]
    folder = shop({"db.yaml": release, "db-values.yaml": VALUES}, listed=["db.yaml"])
    listing = folder / "kustomization.yaml"
    listing.write_text(listing.read_text() + GENERATED)
    found = extract(cli, "--all", code=1)
    assert not found["files"]
    assert set(reasons(found)) == {"auth.password", "users[0].token"}
    assert (folder / "db-values.yaml").read_text() == VALUES


def composed_by_flux(cli):
    """The composed values of the HelmRelease that Flux would apply; names are without kustomize's hash."""
    objects = [item for each in rendered(cli) for item in each]
    spec = next(each for each in objects if each["kind"] == "HelmRelease")["spec"]
    data = {
        (each["kind"], re.sub("-[a-z0-9]{10}$", "", each["metadata"]["name"])): values_of(each)
        if each["kind"] == "Secret"
        else each["data"]
        for each in objects
        if each["kind"] in ("Secret", "ConfigMap")
    }
    return compose(spec.get("values"), spec["valuesFrom"], data)


def test_a_list_leaves_out_what_is_written_elsewhere(shop, cli):
    release = RELEASE + "  values: {port: &port 80, probe: *port}\n"
    shop({"db.yaml": release, "other.yaml": "password: x\n"}, listed=["db.yaml"])
    found = extract(cli, "apps/shop/db.yaml")
    assert [each["key"] for each in found["candidates"]] == ["spec.values.port"]
    assert extract(cli, "apps/shop/other.yaml")["candidates"] == []
    assert extract(cli, "apps/shop/kustomization.yaml")["candidates"] == []


def test_values_that_stay_for_one_reason_are_reported_together(shop, cli):
    head = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
    spec = f"spec:\n  values:\n    auth: {{password: {VALUE}}}\n"
    folder = shop(
        {
            f"app{at}.yaml": f"{head}metadata: {{name: app{at}, namespace: shop}}\n{spec}"
            for at in range(10, 22)
        }
    )
    rules = folder.parents[1] / ".sops.yaml"
    rules.write_text(
        RULES.replace("creation_rules:\n  - ", "creation_rules:\n  - path_regex: ^nowhere\n    ")
    )
    advised = "`fluxsecrets extract --all --dry-run` shows which of them can move"
    assert advised in cli("scan").stderr
    result = cli("extract", "--all")
    assert result.exit_code == 1
    reasons = [line for line in result.stderr.splitlines() if "no creation rule" in line]
    assert len(reasons) == 1
    assert reasons[0].startswith(
        "left: 12 places, such as apps/shop/app10.yaml:6: spec.values.auth.password: "
    )
    assert "apps/shop/app12.yaml:6" in result.stderr
    assert "  and 9 more for this reason; --format json lists all" in result.stderr
    assert len(extract(cli, "--all", code=1)["left"]) == 12
    rules.write_text(RULES)
    done = cli("extract", "--all")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.count("apps/shop/kustomization.yaml") == 1
    assert "lists 12 new files under resources" in done.stdout


def test_the_command_of_a_reason_works_when_pasted(shop, cli):
    plain = "apiVersion: v1\nkind: Secret\nmetadata: {name: shop-env, namespace: shop}\nstringData: {a: b}\n"
    shop({"shop.yaml": CONTAINERS, "env.yaml": plain})
    found = extract(cli, "--all", code=1)
    commands = {each["reason"].partition("`")[2].partition("`")[0] for each in found["left"]}
    assert "fluxsecrets encrypt apps/shop/env.yaml" in commands
    assert not any("FILE" in each["reason"] for each in found["left"])


APP = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: app-{number}, namespace: shop}}
spec:
  interval: 1h
  chart: {{spec: {{chart: app, version: 1.0.0, sourceRef: {{kind: HelmRepository, name: charts}}}}}}
  values:
    auth:
      password: {value}{number}xKq9fK2m8821
"""


def test_git_starts_and_readings_of_other_files_do_not_grow_with_the_values(shop, cli, monkeypatch):
    number = 12
    folder = shop({f"app-{each:02}.yaml": APP.format(number=each, value=VALUE) for each in range(number)})
    starts, readings = [], []
    start, load = process.start, reading.read_kustomization
    monkeypatch.setattr(process, "start", lambda *args, **more: starts.append(args) or start(*args, **more))
    monkeypatch.setattr(
        reading, "read_kustomization", lambda *args, **more: readings.append(args) or load(*args, **more)
    )

    found = extract(cli, "--all")

    assert len(found["files"]) == number
    assert all(each["in_history"] for each in found["files"])
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    assert listed[number:] == [f"app-{each}-values.yaml" for each in range(number)]
    assert len(starts) < number + 4  # 12, of which none is for one value
    assert len(readings) < number


def test_each_value_finds_its_own_secret_among_many_files(shop, cli):
    numbers = range(4)
    folder = shop({f"app-{each}.yaml": APP.format(number=each, value=VALUE) for each in numbers})
    extract(cli, "--all")
    for each in numbers:
        manifest = folder / f"app-{each}.yaml"
        more = f"  values:\n    apiToken: {VALUE}{each}xKq9fK2m8822\n"
        manifest.write_text(manifest.read_text().replace("  values: {}\n", more))
        assert more in manifest.read_text()

    found = extract(cli, "--all")

    assert [(each["secret_path"], each["created"]) for each in found["files"]] == [
        (f"apps/shop/app-{each}-values.yaml", False) for each in numbers
    ]
    for each in numbers:
        secret = cli("decrypt", f"apps/shop/app-{each}-values.yaml")
        assert set(yaml.safe_load(secret.stdout)["stringData"].values()) == {
            f"{VALUE}{each}xKq9fK2m8821",
            f"{VALUE}{each}xKq9fK2m8822",
        }
