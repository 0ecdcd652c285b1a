"""What is handed out for installing says what the code says: settings, services, ports, secrets, and nothing secret."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from creditmesh.chassis.database.roles import RELAY
from creditmesh.chassis.settings import NodeSettings
from creditmesh.node.declaration import NODE
from creditmesh.node.running import GATEWAY
from creditmesh.schemas.files import workbook_child
from deploy.kubernetes import write

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES, COMPOSE, SYSTEMD = DEPLOY / "kubernetes", DEPLOY / "compose", DEPLOY / "systemd"
BIN = Path(sys.executable).parent
SERVICES = [service.name for service in NODE.services]
OWN = {"LISTEN", "FOLDER", "IMAGE", "PEERS"}
"""Of the files of compose themselves."""
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix not in {".lock", ".pyc"})


def of_yaml(path: Path) -> list[Any]:
    return [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each is not None]


def run(*line: str | Path, cwd: Path = ROOT) -> None:
    done = subprocess.run([*map(str, line)], cwd=cwd, capture_output=True, text=True, check=False)  # noqa: S603 - linters
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def test_what_is_written_from_the_code_is_what_the_code_says():
    for path, objects in write.files().items():
        assert (KUBERNETES / path).read_text(encoding="utf-8") == write.text(objects), f"{path}: make docs"


def lines(path: Path) -> dict[str, str]:
    pairs = (
        line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines() if re.match(r"[A-Z_]+=", line)
    )
    return dict(pairs)


def filled(value: str) -> str:
    """A value of compose with its defaults."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


def environments() -> Iterator[tuple[str, Mapping[str, str]]]:
    """The variables of every process that these files start, as it gets them."""
    yield "kubernetes", write.settings()
    patches = [
        each["patch"] for path in KUBERNETES.rglob("kustomization.yaml") for each in of_yaml(path)[0].get("patches", ())
    ]
    for number, patch in enumerate(patches):
        yield f"kubernetes, patch {number}", {**write.settings(), **yaml.safe_load(patch)["data"]}
    node, kafka, watch = (of_yaml(COMPOSE / f"{name}.yaml")[0]["services"] for name in ("node", "kafka", "watch"))
    for name in (*SERVICES, RELAY):
        given = {**node.get(name, {}).get("environment", {}), **kafka[name]["environment"]}
        given |= watch.get(name, {}).get("environment", {})
        yield f"compose, {name}", {key: filled(str(value)) for key, value in given.items()}
    common = lines(SYSTEMD / "node.env.example")
    yield "systemd", common
    yield "systemd, gateway", {**common, **lines(SYSTEMD / "gateway.env.example")}


@pytest.mark.parametrize(("where", "given"), list(environments()), ids=[name for name, _ in environments()])
def test_every_process_gets_settings_that_are_settings(
    where: str, given: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
):
    for name, value in {"CREDITMESH_STATE": "state", **given}.items():
        monkeypatch.setenv(name, value)
    settings = NodeSettings()
    if given.get("CREDITMESH_SERVICES"):
        assert settings.services.keys() == set(SERVICES) - {GATEWAY}, where
    assert settings.database is not None, where
    assert settings.sandbox is False, where


def test_no_file_names_a_setting_that_is_none():
    known = {f"CREDITMESH_{name.upper()}" for name in NodeSettings.model_fields}
    for path in FILES:
        said = set(re.findall(r"CREDITMESH_[A-Z_]+", path.read_text(encoding="utf-8")))
        strange = {name for name in said - known if not name.startswith("CREDITMESH_BUS__")}
        assert strange <= {f"CREDITMESH_{name}" for name in OWN}, path


def test_every_service_is_started_once_by_each_of_them():
    started = [each["spec"]["template"]["spec"]["containers"][0]["args"] for each in deployments()]
    assert sorted(map(tuple, started)) == sorted([*(("serve", name) for name in SERVICES), (RELAY,)])
    compose = of_yaml(COMPOSE / "node.yaml")[0]["services"]
    assert {name: compose[name]["command"] for name in SERVICES} == {name: ["serve", name] for name in SERVICES}
    for name in SERVICES:
        (mount,) = compose[name]["volumes"]
        assert mount.endswith(f"/shares/{name}:/var/lib/creditmesh"), "its own share, and no other's"


def deployments() -> list[Any]:
    return [each for objects in write.files().values() for each in objects if each.get("kind") == "Deployment"]


def test_a_pod_reads_its_own_secret_and_may_nothing():
    for each in deployments():
        name, spec = each["metadata"]["name"], each["spec"]["template"]["spec"]
        assert [volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume] == [name]
        assert spec["securityContext"]["runAsNonRoot"]
        assert not spec["automountServiceAccountToken"]
        assert not spec["enableServiceLinks"], "its variables would be taken for settings"
        for container in (*spec["initContainers"], *spec["containers"]):
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_ingestion_may_have_as_much_memory_as_its_reader_of_workbooks_and_itself():
    (pod,) = [each for each in deployments() if each["metadata"]["name"] == "creditmesh-ingestion"]
    limit = pod["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
    compose = of_yaml(COMPOSE / "node.yaml")[0]["services"]["ingestion"]["mem_limit"]
    for said in (limit.removesuffix("i"), compose):
        assert int(said[:-1]) << 30 >= workbook_child.MEMORY + (600 << 20), "with what a node holds of files"


def test_a_secrets_files_become_the_share_that_a_process_reads(tmp_path: Path):
    given, state = tmp_path / "given", tmp_path / "state"
    given.mkdir()
    state.mkdir()
    for name in ("operator", "token-1.key", "token-1.pub", "data-2.key", "city_query", "city_bus"):
        (given / name).write_text(name)
        (given / name).chmod(0o440)
    run("/bin/sh", "-ec", write.SHARE.replace("/given", str(given)), cwd=state)
    found = {path.relative_to(state).as_posix() for path in state.rglob("*") if path.is_file()}
    assert found == {
        "secrets/operator", "secrets/keys/token-1.key", "secrets/keys/token-1.pub", "secrets/keys/data-2.key",
        "secrets/roles/city_query", "secrets/roles/city_bus",
    }  # fmt: skip
    assert not any(path.stat().st_mode & 0o077 for path in state.rglob("*"))


@pytest.mark.parametrize(
    "folder", ["base", "migrate", "kafka", "autoscaling", "chain/nation", "chain/province", "chain/city"]
)
def test_a_kustomization_builds_and_every_object_is_what_kubernetes_takes(folder: str, tmp_path: Path):
    kustomization = of_yaml(KUBERNETES / folder / "kustomization.yaml")[0]
    for resource in kustomization["resources"]:
        assert (KUBERNETES / folder / resource).exists()
    built = tmp_path / "built.yaml"
    if line := builder():
        own = {**os.environ, "KUBECONFIG": os.devnull}  # it builds, and is told of no cluster
        done = subprocess.run([*line, folder], cwd=KUBERNETES, env=own, capture_output=True, check=True)  # noqa: S603 - a tool
        built.write_bytes(done.stdout)
        assert all(text in done.stdout.decode() for text in patched(kustomization))
    else:  # without what the patches change, which are settings
        places = [KUBERNETES / folder / each for each in kustomization["resources"]]
        places = [each for place in places for each in (sorted(place.glob("*.yaml")) if place.is_dir() else [place])]
        objects = [each for place in places for each in of_yaml(place) if each["kind"] != "Kustomization"]
        built.write_text(yaml.safe_dump_all(objects))
    run(BIN / "kubernetes-validate", "--strict", built)


def builder() -> list[str]:
    """What builds a kustomization here; nothing where neither is there."""
    lines = ([shutil.which("kustomize"), "build"], [shutil.which("kubectl"), "kustomize"])
    return next(([tool, word] for tool, word in lines if tool is not None and word is not None), [])


def patched(kustomization: Mapping[str, Any]) -> list[str]:
    """The settings that its patches give, as they stand in what is built."""
    data = [yaml.safe_load(each["patch"])["data"] for each in kustomization.get("patches", ())]
    return [yaml.safe_dump({name: value}).strip().replace("'", '"') for each in data for name, value in each.items()]


@pytest.mark.parametrize("patch", sorted(KUBERNETES.rglob("kustomization.yaml")), ids=lambda path: path.parent.name)
def test_a_patch_changes_what_is_there(patch: Path):
    for each in of_yaml(patch)[0].get("patches", ()):
        assert each["target"] == {"kind": "ConfigMap", "name": "creditmesh"}
        assert yaml.safe_load(each["patch"])["metadata"]["name"] == "creditmesh"


def test_linters_have_nothing_to_say():
    run(BIN / "hadolint", DEPLOY / "image/Containerfile")
    run(BIN / "yamllint", "--strict", "deploy")
    lint = (BIN / "compose-lint", "check", "--config", COMPOSE / ".compose-lint.yml")
    run(*lint, COMPOSE / "node.yaml")
    run(*lint, COMPOSE / "kafka.yaml")
    run(*lint, COMPOSE / "watch.yaml")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze comes with systemd")
@pytest.mark.parametrize(
    "name", ["creditmesh@query.service", "creditmesh-relay.service", "creditmesh-prepare.service", "creditmesh.target"]
)
def test_systemd_takes_the_units(name: str, tmp_path: Path):
    for path in SYSTEMD.glob("creditmesh*"):
        text = path.read_text(encoding="utf-8").replace("/opt/creditmesh/bin/creditmesh-node", "/bin/true")
        (tmp_path / path.name).write_text(text)
    instance = tmp_path / "creditmesh@query.service"
    instance.write_text((tmp_path / "creditmesh@.service").read_text())
    run(str(shutil.which("systemd-analyze")), "verify", "--man=no", tmp_path / name)


SECRET = re.compile(
    r"-----BEGIN|[a-z]+_[a-z]+_[0-9a-f]{8,}_[A-Za-z0-9_-]{20,}|://[^/\s:@$]+:(?!\$)[^@\s/]+@|[A-Za-z0-9+/]{43}="
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(DEPLOY).as_posix())
def test_no_secret_stands_in_a_file(path: Path):
    assert not SECRET.search(path.read_text(encoding="utf-8"))


def test_what_would_be_a_secret_is_found():
    for secret in ("postgresql://postgres:hunter2@db:5432/x", "-----BEGIN PRIVATE KEY-----", "q" * 43 + "="):
        assert SECRET.search(secret)
    assert not SECRET.search("postgresql://postgres:$$(cat /run/secrets/postgres)@postgres:5432/postgres")
