"""Child processes of a sandbox: started, watched until they are ready, stopped, and never left behind."""

import os
import random
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx

from creditmesh.node import run_files
from creditmesh.node.errors import NodeError
from creditmesh.node.operator import ask_readiness
from creditmesh.sandbox.forked import Forked, Forking

SECONDS_TO_START = 300.0
SECONDS_TO_STOP = 15.0


class Child:
    """One `creditmesh-node` process, its log in the node's state folder."""

    def __init__(
        self, name: str, arguments: Sequence[str], *, state: Path, environment: Mapping[str, str], forking: Forking
    ) -> None:
        self.name = name
        self.url = ""
        self._forking = forking
        self._state = state
        self._arguments = arguments
        self._environment = environment
        self.log = state / "logs" / f"{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.process = self._spawn()

    def _spawn(self) -> Forked:
        return self._forking.run(self._arguments, environment={**os.environ, **self._environment}, log=self.log)

    def ready(self) -> run_files.RunFile:
        """Wait until the process answers that it is ready; NodeError with its log's place if it does not."""
        end = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < end:
            if not self.alive:
                raise NodeError(
                    f"{self.name} ended at its start; see {self.log}", f"{self.name} 启动失败，见 {self.log}"
                )
            for running in run_files.read(self._state):
                if running.pid == self.process.pid and _answers(running.operator):
                    self.url = running.url
                    return running
            time.sleep(0.05)
        raise NodeError(
            f"{self.name} is not ready after {SECONDS_TO_START:.0f} s; see {self.log}",
            f"{self.name} 在 {SECONDS_TO_START:.0f} 秒内未就绪，见 {self.log}",
        )

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def restarted(self) -> Self:
        """The same process anew, listening where it did: others were told."""
        environment = {**self._environment, "CREDITMESH_PORT": str(httpx.URL(self.url).port or 0)}
        return type(self)(self.name, self._arguments, state=self._state, environment=environment, forking=self._forking)

    def kill(self) -> None:
        """As a crash would: no chance to clean up."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> None:
        """Ask it to drain and end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def wait(self) -> None:
        """Wait for the end it was asked for; after a while, end it."""
        try:
            self.process.wait(SECONDS_TO_STOP)
        except TimeoutError:
            self.kill()

    def stop(self) -> None:
        """Ask it to drain and end, and wait for it."""
        self.terminate()
        self.wait()


class Supervised(Child):
    """A child that is started again, after a moment, whenever it ends with a certain code."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        state: Path,
        environment: Mapping[str, str],
        forking: Forking,
        code: int,
    ) -> None:
        super().__init__(name, arguments, state=state, environment=environment, forking=forking)
        self.restarts = 0
        self._code = code
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._watch = threading.Thread(target=self._supervise, name=f"watch {name}", daemon=True)
        self._watch.start()

    @property
    def alive(self) -> bool:
        """Whether it runs, or will in a moment."""
        return self._watch.is_alive()

    def restarted(self) -> Self:
        """The same process anew, watched in the same way."""
        return type(self)(
            self.name,
            self._arguments,
            state=self._state,
            environment=self._environment,
            forking=self._forking,
            code=self._code,
        )

    def kill(self) -> None:
        """As a crash would, and it is not started again."""
        self._cancel_restart()
        super().kill()
        self._watch.join()

    def terminate(self) -> None:
        """Ask it to end, and do not start it again."""
        self._cancel_restart()
        super().terminate()

    def wait(self) -> None:
        """Wait for its end."""
        super().wait()
        self._watch.join()

    def _cancel_restart(self) -> None:
        with self._lock:
            self._ended.set()

    def _supervise(self) -> None:
        while self.process.wait() == self._code:
            self._ended.wait(random.uniform(0.2, 1.0))  # noqa: S311 - jitter, not a secret
            with self._lock:
                if self._ended.is_set():
                    return
                self.process = self._spawn()
            self.restarts += 1


def _answers(operator: str) -> bool:
    try:
        return ask_readiness(operator, seconds=5).is_success
    except httpx.TransportError:
        return False
