"""What is installed keeps secrets from whom they are not for: the checkout, the engine, the processes beside."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from creditmesh.chassis.database.roles import BUS, RELAY
from creditmesh.chassis.settings import NodeSettings
from creditmesh.node.declaration import NODE
from creditmesh.node.errors import NodeError
from creditmesh.node.running import make_keys
from creditmesh.node.shares import share_out
from tests.deploy.test_manifests import deployments

ROOT = Path(__file__).parents[2]
COMPOSE, SYSTEMD = ROOT / "deploy/compose", ROOT / "deploy/systemd"
MADE = [f"{folder}{name}" for folder in ("", "city/") for name in ("postgres.password", "state/secrets/operator")]


@pytest.mark.parametrize("path", MADE)
def test_what_compose_makes_beside_its_files_is_neither_committed_nor_sent_to_an_engine(path: str):
    line = ["git", "check-ignore", "--no-index", "-q", f"deploy/compose/{path}"]
    assert subprocess.run(line, cwd=ROOT, check=False).returncode == 0  # noqa: S603 - our own words
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert rules.index("!deploy") < rules.index("deploy/compose"), "the last one that fits holds"


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")
def test_the_superusers_password_of_a_chain_is_read_by_who_prepares_and_by_nobody_else(tmp_path: Path):
    shutil.copy(COMPOSE / "chain.sh", tmp_path)
    for name, said in (("docker", "exit 0"), ("openssl", "echo invented")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{said}\n")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run(["/bin/sh", str(tmp_path / "chain.sh"), "ps"], env={"PATH": path}, check=True)  # noqa: S603 - our own
    for node in ("city", "province", "nation"):
        found = (tmp_path / node / "postgres.password").stat()
        assert (found.st_uid, found.st_mode & 0o777) == (10001, 0o600)


@pytest.mark.parametrize(("name", "process"), [("creditmesh@.service", "%i"), ("creditmesh-relay.service", "relay")])
def test_a_unit_sees_its_own_share_alone_and_has_ended_before_the_next_upgrade(name: str, process: str):
    unit = (SYSTEMD / name).read_text(encoding="utf-8").splitlines()
    assert "TemporaryFileSystem=/var/lib/creditmesh:ro" in unit
    assert [line for line in unit if line.startswith("Bind")] == [f"BindPaths=/var/lib/creditmesh/shares/{process}"]
    assert any(line.startswith("After=") and "creditmesh-prepare.service" in line for line in unit)


def test_where_packages_are_got_from_is_in_no_layer_of_the_image():
    said = (ROOT / "deploy/image/Containerfile").read_text(encoding="utf-8")
    assert "RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf " in said
    assert not [
        line for line in said.splitlines() if line.startswith("ARG") and line != "ARG PYTHON=python:3.11-slim-bookworm"
    ]


def test_each_pod_of_the_manifests_has_a_secret_that_the_guide_makes():
    guide = (ROOT / "docs/guide/deploying.md").read_text(encoding="utf-8")
    (made,) = re.findall(r"^for process in (.+); do$", guide, re.MULTILINE)
    assert set(made.split()) == {each["metadata"]["name"].removeprefix("creditmesh-") for each in deployments()}


def test_shares_are_not_written_over_the_nodes_own_folder(tmp_path: Path):
    settings = NodeSettings(state=tmp_path / "gateway")
    make_keys(settings)
    for service in NODE.services:
        role = settings.secrets / "roles" / f"{settings.node}_{service.name}"
        role.parent.mkdir(exist_ok=True)
        for name in (role, role.with_name(f"{settings.node}_{BUS}"), role.with_name(f"{settings.node}_{RELAY}")):
            name.write_text("invented")
    before = sorted(settings.secrets.rglob("*"))
    with pytest.raises(NodeError, match="another folder"):
        share_out(settings, tmp_path)
    assert sorted(settings.secrets.rglob("*")) == before
