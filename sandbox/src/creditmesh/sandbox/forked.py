"""The processes that the fork server makes: asked for, watched, and known by how they ended."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel

from creditmesh.node.errors import NodeError

LOG = "processes.log"
SECONDS_TO_END = 15.0
END = b"\n"


class NodeCommand(BaseModel):
    """A `creditmesh-node` command that is to run as a process."""

    arguments: tuple[str, ...]
    environment: dict[str, str]
    log: Path


class Forked:
    """A process of the fork server's, with what is used of `subprocess.Popen`."""

    def __init__(self, pid: int, told: int) -> None:
        self.pid = pid
        self._code: int | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._watch, args=(told,), name=f"process {pid}", daemon=True).start()

    def poll(self) -> int | None:
        """The exit code, negative for the signal that ended it; None while it runs."""
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, when it has ended. TimeoutError if it has not by then."""
        if not self._ended.wait(timeout) or self._code is None:
            raise TimeoutError(f"process {self.pid} runs after {timeout} s")
        return self._code

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        with suppress(ProcessLookupError):
            if self._code is None:
                os.kill(self.pid, number)

    def kill(self) -> None:
        """As a crash would."""
        self.send_signal(signal.SIGKILL)

    def _watch(self, told: int) -> None:
        with os.fdopen(told, "rb") as pipe:
            # Without a word the fork server is gone, and the process, which held the pipe open, has ended somehow.
            self._code = int(pipe.readline() or -signal.SIGKILL)
        self._ended.set()


class Forking:
    """The fork server, from outside."""

    def __init__(self, server: socket.socket, log: Path) -> None:
        self._server = server
        self._log = log
        self._lock = threading.Lock()

    def run(self, arguments: Sequence[str], *, environment: Mapping[str, str], log: Path) -> Forked:
        """Run `creditmesh-node` with these arguments. NodeError with the fork server's log if that has ended."""
        asked = NodeCommand(arguments=tuple(arguments), environment=dict(environment), log=log.resolve())
        text = asked.model_dump_json().encode() + END
        told, tells = os.pipe()
        with self._lock:
            try:
                socket.send_fds(self._server, [text[:1]], [tells])
                self._server.sendall(text[1:])
                pid = int(self._server.recv(64))
            except (OSError, ValueError):
                os.close(told)
                raise NodeError(
                    f"no process can be started; see {self._log}", f"无法启动进程，见 {self._log}"
                ) from None
            finally:
                os.close(tells)
        return Forked(pid, told)


@contextmanager
def forking(state: Path) -> Iterator[Forking]:
    """A fork server that loads while others work; on leaving it ends, and what it still runs is told to."""
    mine, its = socket.socketpair()
    log = state / LOG
    with mine, its, log.open("ab") as said:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "creditmesh.sandbox.fork_server", str(its.fileno()), str(state.resolve())],
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        its.close()
        try:
            yield Forking(mine, log)
        finally:
            mine.close()
            process.wait(SECONDS_TO_END)
