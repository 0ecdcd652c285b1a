"""`make run ONCE=1`: the story walks through real processes, fails loudly, and leaves nothing running."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from creditmesh.sandbox.story.steps import FAILED, HELD

pytestmark = pytest.mark.timeout(1000)
SECONDS = 900  # where the machine is busy; what it takes is measured elsewhere
COMMAND = [str(Path(sys.executable).parent / "creditmesh-sandbox"), "--once"]


@pytest.fixture
def state() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="creditmesh-story-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def told(state: Path, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    line = [*COMMAND, "--state", str(state), *more]
    surroundings = {**os.environ, "COLUMNS": "200", **environment}
    with subprocess.Popen(  # noqa: S603 - our own command
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=surroundings
    ) as process:
        try:
            said = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.terminate()  # it ends what it started; killed, it would leave three nodes to all other tests
            said = process.communicate()
            pytest.fail(f"no end after {SECONDS} s: {said[0][-3000:]}{said[1][-2000:]}")
    return subprocess.CompletedProcess(line, process.returncode, *said)


def left_behind(state: Path) -> list[str]:
    """The processes that name a sandbox's folder: its servers, and all that the fork server made."""

    def line(process: psutil.Process) -> str:
        try:
            return " ".join(process.cmdline())
        except psutil.Error:
            return ""

    return [found for process in psutil.process_iter() if str(state) in (found := line(process))]


def test_the_whole_story_walks_with_a_process_a_service_and_leaves_nothing_running(state: Path):
    """With a process a node it walks in `test_newcomer`."""
    done = told(state, "--split")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert done.stdout.count(HELD) >= 29
    assert FAILED not in done.stdout
    assert not left_behind(state)
    assert not (state / "sandbox.json").exists(), "its tokens open nothing any more"


def test_a_story_whose_check_fails_ends_at_that_step(state: Path, tmp_path: Path):
    samples = tmp_path / "samples"
    samples.mkdir()
    for path in Path("samples").iterdir():
        if path.is_file():
            (samples / path.name).write_bytes(path.read_bytes())
    expected = json.loads((samples / "expected.json").read_text())
    expected["files"]["penalties-gb18030.csv"]["counts"]["accepted"] += 1
    (samples / "expected.json").write_text(json.dumps(expected))
    done = told(state, CREDITMESH_SAMPLES=str(samples))
    assert done.returncode == 1
    assert done.stdout.count(FAILED) == 1
    assert "penalties-gb18030.csv" in done.stdout.split(FAILED)[1]
    assert not left_behind(state)
