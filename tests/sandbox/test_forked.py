"""Processes of a sandbox come from one that has loaded what they load: each is its own, and none outlives who asked."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from creditmesh.node.errors import NodeError
from creditmesh.sandbox.forked import LOG, Forked, Forking, forking

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


def test_where_none_can_be_started_the_log_is_named(tmp_path: Path):
    with forking(tmp_path) as server:
        [loading] = [each for each in psutil.Process().children() if str(tmp_path) in each.cmdline()]
        loading.kill()
        with pytest.raises(NodeError, match=LOG):
            run(server, tmp_path / "none.log", "--version")
