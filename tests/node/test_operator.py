"""What is said to a node's second listener with the operator's secret reaches that listener and nobody else."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
import typer

from creditmesh.node import operator, run_files
from creditmesh.node.cli.console import plainly
from creditmesh.node.errors import NodeError
from creditmesh.node.operator import Operator, ask_readiness
from creditmesh.node.run_files import RunFile


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A listener of HTTP, and the lines of the requests that it heard."""
    heard: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.requestline)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_GET  # noqa: N815 - as the standard library calls it

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _a_key_is_issued(state: Path, _: str) -> None:
    Operator(state).call("gateway", "POST", "/v1/admin/keys", {"party": "market_regulation"})


def _readiness_is_asked(_: Path, node: str) -> None:
    assert ask_readiness(node, seconds=10).is_success


@pytest.mark.parametrize("ask", [_a_key_is_issued, _readiness_is_asked])
def test_a_proxy_of_the_environment_hears_nothing(
    ask: Callable[[Path, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "operator").write_text("the-secret")
    with listening() as (proxy, overheard), listening() as (node, heard):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        process = RunFile(process="gateway", pid=os.getpid(), services=("gateway",), url=node, operator=node)
        run_files.write(tmp_path, process)
        ask(tmp_path, node)
    assert (len(heard), overheard) == (1, [])


def test_the_keepers_folder_finds_the_processes_of_its_shares(tmp_path: Path):
    found = {}
    for place, name in (("", "gateway"), ("shares/query", "query"), ("shares/exchange", "exchange"), ("other", "far")):
        process = RunFile(
            process=name, pid=os.getpid(), services=(name,), url="http://127.0.0.1:1", operator="http://127.0.0.1:2"
        )
        found[name] = run_files.write(tmp_path / place, process)
    assert {each.process for each in run_files.read(tmp_path)} == {"gateway", "query", "exchange"}
    assert {each.process for each in run_files.read(tmp_path / "shares/query")} == {"query"}


def test_a_file_that_cannot_be_written_is_a_line_and_no_traceback(capfd: pytest.CaptureFixture[str]):
    with pytest.raises(typer.Exit) as ended, plainly():
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), "/srv/roles/city_new")
    assert ended.value.exit_code == 2
    assert "/srv/roles/city_new: Read-only file system" in capfd.readouterr().err


def test_who_has_just_published_waits_until_the_door_has_heard_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    said = dict.fromkeys(("title", "title_zh", "detail", "detail_zh"), "Ask again.")
    late = [httpx.Response(503, json={"code": "catalogue_not_followed", "errors": [], **said}) for _ in range(5)]
    answers = [*late[:2], httpx.Response(200, json={"key": "k"})]
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "operator").write_text("the-secret")
    monkeypatch.setattr(operator, "_PAUSES", (0.0, 0.0))
    monkeypatch.setattr(Operator, "_answer", lambda *_: answers.pop(0))
    assert Operator(tmp_path).call("gateway", "POST", "/v1/admin/keys", {}) == {"key": "k"}
    answers += late[2:]
    with pytest.raises(NodeError):
        Operator(tmp_path).call("gateway", "POST", "/v1/admin/keys", {})
    assert answers == []
