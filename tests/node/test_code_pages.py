"""Every program writes in any code page: to people with `?` for what cannot be said, to programs in UTF-8."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import entry_points
from io import BytesIO, TextIOWrapper
from pathlib import Path
from threading import Thread

import pytest
from rich.console import Console

from creditmesh.node import peers, run_files
from creditmesh.node.run_files import RunFile
from creditmesh.sandbox.story.steps import Story

BIN = Path(sys.executable).parent
PROGRAMS = sorted(each.name for each in entry_points(group="console_scripts") if each.value.startswith("creditmesh."))
NAME_ZH = "市节点"


def ended(page: str, *line: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    given = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": page, "PYTHONUTF8": "0", "LC_ALL": "C"} | env
    program, *words = line
    return subprocess.run([BIN / program, *words], check=False, capture_output=True, env=given, timeout=120)  # noqa: S603


@pytest.mark.parametrize("page", ["ascii", "cp936"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_shows_its_help_in_any_code_page(program: str, page: str):
    done = ended(page, program, "--help")
    assert (done.returncode, b"Traceback" in done.stderr, b"--help" in done.stdout) == (0, False, True), done.stderr


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Path]:
    """The folder of a node whose operator's routes say its own row, and take every change."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            row = {"code": "city", "kind": "node", "name": "City", "name_zh": NAME_ZH, "uscc": "119900000000100495"}
            own = {**row, "url": None, "keys": []}
            body = json.dumps({"own": own, "peers": []}).encode()
            self._answer(body)

        def do_DELETE(self) -> None:
            self._answer(b'{"key": "k1"}')

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets" / "operator").write_text("secret")
        services = ("catalogue", "gateway")
        run_files.write(tmp_path, RunFile(process="node", pid=os.getpid(), services=services, url=url, operator=url))
        yield tmp_path
        server.shutdown()


@pytest.mark.parametrize("page", ["ascii", "latin-1", "cp936"])
def test_a_command_that_has_done_its_work_ends_well_in_any_code_page(node: Path, page: str):
    done = ended(page, "creditmesh-node", "keys", "revoke", "k1", CREDITMESH_STATE=str(node))
    assert (done.returncode, b"Traceback" in done.stderr, b"revoked k1" in done.stdout) == (0, False, True), done.stderr


@pytest.mark.parametrize("page", ["ascii", "cp936"])
def test_a_row_for_a_peer_is_the_same_bytes_in_every_code_page(node: Path, page: str, tmp_path: Path):
    done = ended(page, "creditmesh-node", "peers", "show", CREDITMESH_STATE=str(node))
    file = tmp_path / "row.json"
    assert done.returncode == 0, done.stderr
    file.write_bytes(done.stdout)
    assert peers._read(file)["name_zh"] == NAME_ZH  # as `peers add` reads it


def test_the_story_is_told_in_the_code_page_of_a_department():
    told = BytesIO()
    stream = TextIOWrapper(told, encoding="cp936")
    with Story(Console(file=stream, width=200)).step("Report", "报送") as say:
        say("1 row / 1 行")
    stream.flush()
    assert "√  1 Report 报送" in told.getvalue().decode("gbk")
