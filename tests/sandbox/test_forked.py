"""Processes of a sandbox come from one that has loaded what they load: each is its own, and none outlives who asked."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from creditmesh.node.errors import NodeError
from creditmesh.sandbox.forked import END, LOG, Forked, Forking, NodeCommand, forking

pytestmark = pytest.mark.timeout(300)  # it loads a node, on a machine that may be busy
NO_NODE = {"CREDITMESH_NODE": "nobody", "CREDITMESH_SERVICES": "no JSON"}
"""A process that ends at once, for its settings are none."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("forked")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Forking]:
    with forking(folder) as made:
        yield made


def run(server: Forking, log: Path, *words: str, **environment: str) -> Forked:
    return server.run(words, environment={"PATH": os.environ["PATH"], **environment}, log=log)


def waiting(server: Forking, log: Path) -> Forked:
    """A process that runs until it is told to end."""
    return run(
        server,
        log,
        "status",
        "--wait",
        "600",
        CREDITMESH_STATE=str(log.parent),
        CREDITMESH_NODE="nobody",
        CREDITMESH_TIER="city",
    )


def test_a_process_has_its_own_environment_and_log_and_ends_with_its_own_code(server: Forking, tmp_path: Path):
    log, other = tmp_path / "one.log", tmp_path / "other.log"
    one, version = run(server, log, "up", **NO_NODE), run(server, other, "--version")
    assert (one.wait(60), version.wait(60)) == (2, 0)
    assert "services" in log.read_text().lower()
    assert other.read_text().startswith("creditmesh-node ")
    assert "CREDITMESH_NODE" not in os.environ


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_one_that_is_killed_is_known_to_have_been_and_the_others_run(
    server: Forking, tmp_path: Path, how: signal.Signals
):
    killed, other = waiting(server, tmp_path / "killed.log"), waiting(server, tmp_path / "other.log")
    assert killed.poll() is None
    assert len({psutil.Process(each.pid).ppid() for each in (killed, other)}) == 1, "one has loaded for both"
    killed.send_signal(how)
    assert killed.wait(60) == -how
    assert other.poll() is None
    other.kill()
    assert other.wait(60) == -signal.SIGKILL
    other.kill()  # of what has ended nobody else is meant


def test_what_still_runs_when_who_asked_is_gone_is_told_to_end(tmp_path: Path):
    with forking(tmp_path) as server:
        process = waiting(server, tmp_path / "left.log")
        assert str(tmp_path) in psutil.Process(process.pid).cmdline(), "a process says whose it is"
    end = time.monotonic() + 60
    while psutil.pid_exists(process.pid):
        assert time.monotonic() < end
        time.sleep(0.05)


def loaded(folder: Path) -> psutil.Process:
    """The fork server of a folder."""
    [process] = [each for each in psutil.Process().children() if str(folder) in each.cmdline()]
    return process


def ended(process: psutil.Process) -> bool:
    """Whether it has; one that nobody has waited for too."""
    try:
        process.wait(60)
    except psutil.TimeoutExpired:
        return False
    return True


@contextmanager
def kept_by_none(log: Path, server: Forking) -> Iterator[Forked]:
    """A process that is ended in any case."""
    process = waiting(server, log)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def test_without_the_fork_server_what_runs_is_known_to_run_and_can_be_ended(tmp_path: Path):
    with forking(tmp_path) as server, kept_by_none(tmp_path / "left.log", server) as process:
        loading, itself = loaded(tmp_path), psutil.Process(process.pid)
        loading.kill()
        assert ended(loading)
        with pytest.raises(TimeoutError):
            process.wait(1)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) != 0
        assert ended(itself)


def test_what_tells_a_whole_group_to_end_leaves_the_fork_server_to_end_last(tmp_path: Path):
    with forking(tmp_path) as server, kept_by_none(tmp_path / "one.log", server) as process:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            loaded(tmp_path).send_signal(number)
        assert run(server, tmp_path / "other.log", "--version").wait(60) == 0
        for number in (signal.SIGHUP, signal.SIGTERM):
            process.send_signal(number)
        assert process.wait(60) == -signal.SIGHUP


def asking(socket_: socket.socket, log: Path) -> int:
    """Ask for a process and go before it ends; its pid."""
    asked = NodeCommand(arguments=("--version",), environment={"PATH": os.environ["PATH"]}, log=log)
    text = asked.model_dump_json().encode() + END
    told, tells = os.pipe()
    socket.send_fds(socket_, [text], [tells])
    os.close(told)
    os.close(tells)
    return int(socket_.recv(64))


def test_where_nobody_hears_how_a_process_ended_the_others_are_served(tmp_path: Path):
    with forking(tmp_path) as server, kept_by_none(tmp_path / "one.log", server) as process:
        assert ended(psutil.Process(asking(server._server, tmp_path / "unheard.log")))
        assert run(server, tmp_path / "other.log", "--version").wait(60) == 0
        assert process.poll() is None


def test_who_asks_and_dies_in_the_middle_is_no_longer_waited_for(tmp_path: Path):
    with forking(tmp_path) as server, kept_by_none(tmp_path / "one.log", server) as process:
        loading = loaded(tmp_path)
        told, tells = os.pipe()
        socket.send_fds(server._server, [b"{"], [tells])
        server._server.shutdown(socket.SHUT_WR)
        assert ended(loading)
        assert process.wait(60) != 0
        os.close(told)
        os.close(tells)


def test_where_none_can_be_started_the_log_is_named(tmp_path: Path):
    with forking(tmp_path) as server:
        loaded(tmp_path).kill()
        with pytest.raises(NodeError, match=LOG):
            run(server, tmp_path / "none.log", "--version")
