"""A sandbox takes away what a sandbox made, and never a node of anybody's own, whatever folder that stands in."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from creditmesh.node import run_files
from creditmesh.node.cli import app as node_app
from creditmesh.node.errors import NodeError
from creditmesh.node.run_files import RunFile
from creditmesh.sandbox import leftovers
from creditmesh.sandbox.cli import app
from creditmesh.sandbox.run import suggested

ROOT = Path.cwd()
COMMAND = Path(sys.executable).parent / "creditmesh-sandbox"


def node_of_ones_own(folder: Path) -> Path:
    for name in ("secrets/data.key", "secrets/operator", "postgres/cluster/PG_VERSION", "run/old"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("its own")
    return folder


def contents(folder: Path) -> Mapping[Path, str]:
    return {path: path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("where", ["city", "province", "nation", "sandbox"])
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside what a sandbox made"])
def test_a_node_of_ones_own_stays_and_its_folder_is_named(tmp_path: Path, where: str, *, beside: bool):
    if beside:
        leftovers.make(tmp_path, [code for code in ("city", "province", "nation") if code != where])
    if where == "sandbox" and beside:
        (tmp_path / "sandbox" / "made-by-a-sandbox").unlink()
    node_of_ones_own(tmp_path / where)
    before = contents(tmp_path)
    with pytest.raises(NodeError, match="was not made by a sandbox") as refused:
        leftovers.take_away(tmp_path)
    assert str(tmp_path / where) in str(refused.value)
    assert "真实节点" in str(refused.value)
    assert contents(tmp_path) == before


def test_a_node_of_ones_own_that_was_begun_in_a_sandboxs_folder_stays(tmp_path: Path):
    leftovers.make(tmp_path, ["city"])
    node_of_ones_own(tmp_path / "city")
    before = contents(tmp_path)
    with pytest.raises(NodeError, match="was not made by a sandbox"):
        leftovers.take_away(tmp_path)
    assert contents(tmp_path) == before


def test_what_a_sandbox_made_goes_and_all_beside_it_stays(tmp_path: Path):
    leftovers.make(tmp_path, ["city", "nation"])
    (tmp_path / "city" / "secrets").mkdir()
    own = node_of_ones_own(tmp_path / "town")
    kept = contents(own)
    leftovers.take_away(tmp_path)
    assert list(tmp_path.iterdir()) == [own]
    assert contents(own) == kept
    leftovers.take_away(tmp_path / "nothing")


def test_a_second_start_beside_a_running_sandbox_leaves_it_all_it_has(tmp_path: Path):
    leftovers.make(tmp_path, ["city"])
    (tmp_path / "sandbox.json").write_text("{}")
    one = RunFile(process="node", pid=os.getpid(), services=("gateway",), url="http://127.0.0.1:1", operator="")
    run_files.write(tmp_path / "city", one)
    before = contents(tmp_path)
    for words in ([], ["remove"]):
        done = CliRunner().invoke(app, [*words, "--state", str(tmp_path)])
        assert (done.exit_code, "a node is running in" in done.stderr) == (2, True), done.output
        assert contents(tmp_path) == before


def test_taking_away_that_was_broken_off_goes_on_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    leftovers.make(tmp_path, ["city"])
    for name in ("secrets", "run", "logs"):
        (tmp_path / "city" / name).mkdir()
        (tmp_path / "city" / name / "file").touch()
    whole = shutil.rmtree

    def interrupted(folder: Path) -> None:
        for path in [*folder.rglob("made-by-a-sandbox"), *folder.rglob("file")]:
            path.unlink()  # in any order: a mark that goes with the first of them goes too early
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        leftovers.take_away(tmp_path)
    monkeypatch.setattr(shutil, "rmtree", whole)
    leftovers.take_away(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_made_and_not_marked_yet_hinders_no_start(tmp_path: Path):
    (tmp_path / "city").mkdir()
    leftovers.take_away(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_printed_to_try_leaves_nothing_that_outlives_the_sandbox(tmp_path: Path):
    leftovers.make(tmp_path, ["city"])
    (pulled,) = [line for line in suggested(tmp_path / "sandbox.json") if " pull " in line]
    into = Path(pulled.split(" --into ")[1].split()[0])
    into.write_text("a copy of a feed")
    into.with_name(f"{into.name}.state.json").write_text("the key of a node that is gone")
    leftovers.take_away(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("own", [False, True], ids=["a sandbox's", "a node of one's own"])
def test_make_clean_takes_away_what_a_sandbox_made_and_nothing_else(tmp_path: Path, *, own: bool):
    environment = tmp_path / ".venv" / "bin"
    environment.mkdir(parents=True)
    (environment / COMMAND.name).symlink_to(COMMAND)
    city = tmp_path / "var" / "city"
    if own:
        node_of_ones_own(city)
    else:
        leftovers.make(tmp_path / "var", ["city"])
    town = node_of_ones_own(tmp_path / "var" / "town")
    command = ["make", "-s", "-f", str(ROOT / "Makefile"), "clean"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert (done.returncode == 0, city.exists(), environment.exists()) == (not own, own, own), done.stderr
    assert (town / "secrets" / "data.key").exists()
    assert not own or "var/city" in done.stderr


@pytest.mark.parametrize("words", [("keys", "create"), ("readers", "list"), ("peers", "list"), ("up",)])
def test_a_node_without_a_folder_of_its_own_is_asked_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CREDITMESH_STATE", raising=False)
    done = CliRunner().invoke(node_app, words)
    assert (done.exit_code, "CREDITMESH_STATE" in done.stderr) == (2, True), done.output
    assert "必须设置" in done.stderr
    assert not list(tmp_path.iterdir())
