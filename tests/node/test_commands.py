"""What `creditmesh-node` says of settings and of a node that is not there: a line in both languages, no traceback."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from creditmesh.chassis.bus.kafka.publisher import EXIT
from creditmesh.chassis.http.server.listener import CannotListen, HttpListener
from creditmesh.chassis.settings import NodeSettings
from creditmesh.client.cli import app as client
from creditmesh.node import run_files
from creditmesh.node.cli import app
from creditmesh.node.run_files import RunFile
from creditmesh.node.settings import known, read_settings
from creditmesh.node.status import standing
from creditmesh.sandbox.cli import app as sandbox
from creditmesh.sandbox.node import SandboxNode
from creditmesh.schemas.variables import Variable


def typed(*words: str, **settings: str) -> Result:
    return CliRunner().invoke(
        app, words, env={"COLUMNS": "200", **{f"CREDITMESH_{name}": value for name, value in settings.items()}}
    )


def refused(done: Result) -> str:
    assert done.exit_code == 2, done.output
    assert isinstance(done.exception, SystemExit)
    return done.stderr.replace("\n", " ")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"TRUSTED_PROXIES": "10.9.8.7"}, ["CREDITMESH_TRUSTED_PROXIES is JSON", '\'["10.0.0.7"', "须为 JSON"]),
        ({"TRUSTED_PROXIES": '["10.9.8"]'}, ["CREDITMESH_TRUSTED_PROXIES: ", "取值不符合要求"]),
        (
            {"TIER": "county"},
            [
                "CREDITMESH_TIER: Input should be 'city', 'province' or 'nation'",
                "须为下列之一：city；province；nation。",
            ],
        ),
        ({"PARTS": "0"}, ["CREDITMESH_PARTS: ", "greater than or equal to 1", "不得小于 1"]),
        ({"BUS__KIND": "kafka"}, ["CREDITMESH_BUS__BOOTSTRAP: Field required", "CREDITMESH_BUS__BOOTSTRAP：必须设置"]),
        ({"BUS__KIND": "pigeon"}, ["CREDITMESH_BUS__KIND is embedded or kafka", "CREDITMESH_BUS__KIND 须为"]),
        (
            {"KEEP_EVENT_DAYS": "3"},
            [
                "CREDITMESH_KEEP_EVENT_DAYS is no setting; CREDITMESH_KEEP_EVENTS_DAYS is",
                "（是否指 CREDITMESH_KEEP_EVENTS_DAYS），请更正",
            ],
        ),
        ({"TIER": "county", "PARTS": "x"}, ["CREDITMESH_TIER: ", "CREDITMESH_PARTS: "]),
        ({"SAMPLE": "x"}, ["CREDITMESH_SAMPLE is no setting: correct it", "CREDITMESH_SAMPLE 不是有效设置，请更正"]),
    ],
    ids=str,
)
def test_a_wrong_setting_is_named_with_its_rule_and_remedy_and_its_value_is_not_shown(
    settings: Mapping[str, str], words: list[str]
):
    said = refused(typed("readers", "list", **{"STATE": "var", **settings}))
    for word in (*words, "docs/reference/settings.md"):
        assert word in said
    assert not any(value in said for value in settings.values() if value in {"10.9.8.7", "county", "pigeon"})


def test_every_variable_of_the_reference_and_of_a_sandboxs_node_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    page = Path("docs/reference/settings.md").read_text(encoding="utf-8")
    named = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `CREDITMESH_")}
    assert len(named) > 20
    assert named <= known()
    environment = SandboxNode.__new__(SandboxNode)
    environment.settings = NodeSettings(node="city", parts=3, state=tmp_path, database="postgresql://127.0.0.1:1/city")
    for name, value in environment.environment.items():
        monkeypatch.setenv(name, value)
    assert read_settings().parts == 3


def test_every_variable_that_another_of_our_programs_reads_may_stand_beside_a_nodes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("CREDITMESH_STATE", str(tmp_path))
    read = {name for program in (client, sandbox) for name in _read_by(get_command(program))} | set(Variable)
    assert {"CREDITMESH_PINS", "CREDITMESH_PROFILE", "CREDITMESH_PROFILES"} <= read
    for name in read:
        monkeypatch.setenv(name, "for another program")
    assert read_settings().state == tmp_path


def test_no_program_beside_a_node_reads_a_variable_by_a_name_of_its_own_writing():
    own = re.compile(r"""(environ\.get\(|environ\[|getenv\(|envvar=)\s*["']CREDITMESH_""")
    for folder in (Path("client/src"), Path("sandbox/src/creditmesh/sandbox")):
        for path in folder.rglob("*.py"):
            assert not own.search(path.read_text(encoding="utf-8")), path


def _read_by(command: Any) -> Iterator[str]:
    for option in command.params:
        if option.envvar is not None:
            yield from [option.envvar] if isinstance(option.envvar, str) else option.envvar
    for each in getattr(command, "commands", {}).values():
        yield from _read_by(each)


@pytest.mark.parametrize(
    "words", [("dead", "list"), ("readers", "list"), ("readers", "evict", "query", "query", "--yes")]
)
def test_a_folder_of_no_running_node_is_one_question(tmp_path: Path, words: tuple[str, ...]):
    said = refused(typed(*words, STATE=str(tmp_path)))
    assert "is CREDITMESH_STATE" in said
    assert "does it run?" in said
    assert "节点是否在运行" in said


def test_the_version_is_said_without_a_node():
    done = typed("--version")
    assert (done.exit_code, done.stdout) == (0, f"creditmesh-node {version('creditmesh-node')}\n")


def test_of_a_node_that_does_not_run_status_says_how_it_is_started(tmp_path: Path):
    said = refused(typed("status", STATE=str(tmp_path)))
    assert "creditmesh-node up" in said
    assert "请执行 creditmesh-node up" in said


def test_what_stands_still_is_said_with_what_to_do(tmp_path: Path):
    run_files.write(tmp_path, _running(os.getpid()).model_copy(update={"operator": "http://127.0.0.1:1"}))
    done = typed("status", STATE=str(tmp_path))
    assert done.exit_code == 1, done.output
    assert f"! node ({os.getpid()}) does not answer: see its log" in done.stdout
    said = {
        "ready": False,
        "database": "unreachable",
        "bus": {"alarms": ["part 3 contradicts itself"], "dead_letters": {"query": 2}},
        "stopped": {"exchange": {"city/up": "root at index 4"}},
        "waits_for": {"exchange": {"restore up": {"province": 5120}}},
    }
    texts = [text for text, _ in standing(_running(1), said)]
    for words in (
        "database",
        "part 3",
        "creditmesh-node dead list",
        "city/up: root at index 4",
        "restore up",
        "guide/",
    ):
        assert any(words in text for text in texts), words


def test_a_gateway_by_itself_names_the_setting_it_lacks(tmp_path: Path):
    given = {"STATE": str(tmp_path), "DATABASE": "postgresql://127.0.0.1:1/city"}
    said = refused(typed("serve", "gateway", **given, SERVICES=json.dumps({"catalogue": "http://127.0.0.1:1"})))
    assert "CREDITMESH_SERVICES lacks exchange, ingestion, matching, query, repair" in said
    assert "尚缺" in said


def test_a_relay_whose_database_is_away_at_its_start_asks_to_be_started_again(tmp_path: Path):
    (tmp_path / "secrets" / "roles").mkdir(parents=True)
    (tmp_path / "secrets" / "roles" / "city_relay").write_text("x", encoding="ascii")
    given = {"STATE": str(tmp_path), "NODE": "city", "TIER": "city", "DATABASE": "postgresql://127.0.0.1:1/city"}
    done = typed("relay", **given, BUS__KIND="kafka", BUS__BOOTSTRAP="127.0.0.1:1")
    assert done.exit_code == EXIT, done.output


def _running(pid: int) -> RunFile:
    return RunFile(process="node", pid=pid, services=("query",), url="http://a", operator=f"http://{pid}")


def test_a_second_process_of_a_name_has_a_run_file_of_its_own(tmp_path: Path):
    first = run_files.write(tmp_path, _running(os.getppid()))
    second = run_files.write(tmp_path, _running(os.getpid()))
    assert {each.pid for each in run_files.read(tmp_path)} == {os.getppid(), os.getpid()}
    second.unlink()
    assert [each.pid for each in run_files.read(tmp_path)] == [os.getppid()]
    assert first.exists()


def test_a_process_of_another_user_counts_as_running(tmp_path: Path):
    run_files.write(tmp_path, _running(1))
    run_files.write(tmp_path, _running(os.getpid()))
    assert {each.pid for each in run_files.read(tmp_path)} == {1, os.getpid()}


def test_a_number_that_no_process_can_have_runs_not(tmp_path: Path):
    run_files.write(tmp_path, _running(2**80))
    assert run_files.read(tmp_path) == []


def test_the_run_file_of_a_process_that_was_killed_goes_with_the_next(tmp_path: Path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    gone = run_files.write(tmp_path, _running(ended.pid))
    run_files.write(tmp_path, _running(os.getpid()))
    assert not gone.exists()


def test_a_run_file_that_is_damaged_or_gone_says_nothing_and_stops_nobody(tmp_path: Path):
    own = run_files.write(tmp_path, _running(os.getpid()))
    (own.parent / "node-1.json").write_bytes(b"")
    (own.parent / "query-2.json").symlink_to(tmp_path / "nowhere")
    run_files.write(tmp_path, _running(os.getppid()))
    assert {each.pid for each in run_files.read(tmp_path)} == {os.getpid(), os.getppid()}


async def test_a_port_that_is_taken_is_an_error_that_is_said_once(caplog: pytest.LogCaptureFixture):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        async def start() -> None:
            HttpListener(lambda: None, host="127.0.0.1", port=port, drain_seconds=1)  # type: ignore[arg-type]

        starting = asyncio.create_task(start())
        with pytest.raises(CannotListen, match=rf"cannot listen on 127.0.0.1:{port}.*choose.*无法监听"):
            await starting
    assert "never retrieved" not in caplog.text


TO_UPGRADE_OR_ELSEWHERE = ("sqlalchemy", "alembic", "aiohttp")
"""What only who migrates needs, and only the door of services that are processes of their own."""
HEAVY = ("fastapi", "creditmesh.node.declaration", *TO_UPGRADE_OR_ELSEWHERE)


@pytest.mark.parametrize(
    ("imports", "heavy"),
    [
        ("creditmesh.node.cli", HEAVY),
        ("creditmesh.node.cli, creditmesh.node.people, creditmesh.node.settings", HEAVY),
        ("creditmesh.node.running", TO_UPGRADE_OR_ELSEWHERE),
        ("creditmesh.node.running, creditmesh.node.door", TO_UPGRADE_OR_ELSEWHERE),
    ],
)
def test_a_command_that_needs_no_service_loads_none_and_a_process_only_what_it_is_for(
    imports: str, heavy: tuple[str, ...]
):
    code = f"import sys, {imports}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"
