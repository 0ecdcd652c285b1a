"""Child processes of a sandbox: started, watched until they are ready, stopped, and never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx

from creditmesh.node import run_files
from creditmesh.node.errors import NodeError

SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 15.0


class Child:
    """One `creditmesh-node` process, its log in the node's state folder."""

    def __init__(self, name: str, arguments: Sequence[str], *, state: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.url = ""
        self._state = state
        self._arguments = arguments
        self._environment = environment
        self.log = state / "logs" / f"{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        (state / "run" / f"{name}.json").unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own command line
                [sys.executable, "-m", "creditmesh.node", *arguments],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def ready(self) -> run_files.RunFile:
        """Wait until the process answers that it is ready; NodeError with its log's place if it does not."""
        end = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise NodeError(
                    f"{self.name} ended at its start; see {self.log}", f"{self.name} 启动失败，见 {self.log}"
                )
            for running in run_files.read(self._state):
                if running.pid == self.process.pid and _answers(running.operator):
                    self.url = running.url
                    return running
            time.sleep(0.05)
        raise NodeError(
            f"{self.name} is not ready after a minute; see {self.log}", f"{self.name} 一分钟内未就绪，见 {self.log}"
        )

    def again(self) -> Self:
        """The same process anew, listening where it did: others were told."""
        environment = {**self._environment, "CREDITMESH_PORT": str(httpx.URL(self.url).port or 0)}
        return type(self)(self.name, self._arguments, state=self._state, environment=environment)

    def kill(self) -> None:
        """As a crash would: no chance to clean up."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to drain and end; after a while, end it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                self.kill()


def _answers(operator: str) -> bool:
    try:
        return httpx.get(f"{operator}/health/ready", timeout=5).is_success
    except httpx.TransportError:
        return False
