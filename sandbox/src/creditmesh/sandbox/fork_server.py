"""A process that has loaded what a node's processes load, and becomes one of them each time that it is asked.

It is `python -m creditmesh.sandbox.fork_server SOCKET STATE`: it forks for every line that comes, and says over the
pipe that came with it how the process ended. When whoever asks is gone, it tells what it started to end.
"""

import gc
import os
import select
import signal
import socket
import sys
from contextlib import suppress

import uvloop

from creditmesh.node import door, running, status
from creditmesh.node.cli import app
from creditmesh.sandbox.forked import END, NodeCommand

LOADED = (door, running, status, uvloop)
"""What the commands that run a process import themselves."""

NOT_ITS_END = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What a whole group of processes is told with: this one ends with its socket, after what it started."""


class ForkServer:
    """The loop: who asks on one side, processes that end on the other."""

    def __init__(self, asking: socket.socket) -> None:
        self._asking = asking
        self._pipes: dict[int, int] = {}
        """Where it is said how a process ended, by its pid."""
        self._woken, self._wake = socket.socketpair()
        self._wake.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_BLOCK, NOT_ITS_END)

    def serve(self) -> NodeCommand | None:
        """Fork for whatever is asked; what was asked in a process that was forked, None when nobody asks any more.

        However it leaves, what it started is told to end.
        """
        try:
            return self._serve()
        finally:
            self._end_all()

    def _serve(self) -> NodeCommand | None:
        while True:
            readable, _, _ = select.select([self._asking, self._woken], [], [])
            if self._woken in readable:
                self._woken.recv(4096)
                self._reap()
            if self._asking in readable:
                asked, pipe = self._next()
                if asked is None:
                    return None
                if self._forked(asked, pipe):
                    return asked

    def _next(self) -> tuple[NodeCommand | None, int]:
        text, pipes, _, _ = socket.recv_fds(self._asking, 65536, 1)
        while text and not text.endswith(END):
            more = self._asking.recv(65536)
            text = text + more if more else b""
        return (NodeCommand.model_validate_json(text), pipes[0]) if text else (None, -1)

    def _forked(self, asked: NodeCommand, pipe: int) -> bool:
        pid = os.fork()
        if pid:
            self._pipes[pid] = pipe
            self._asking.sendall(b"%d\n" % pid)
            return False
        self._leave()
        os.set_inheritable(pipe, False)  # open while the process lives: without this server its end is its word
        _become(asked)
        return True

    def _leave(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, NOT_ITS_END)
        for each in (self._asking, self._woken, self._wake):
            each.close()
        for pipe in self._pipes.values():
            os.close(pipe)
        self._pipes.clear()

    def _reap(self) -> None:
        while self._pipes:
            pid, ended = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            pipe = self._pipes.pop(pid)
            with suppress(BrokenPipeError), os.fdopen(pipe, "wb") as told:
                told.write(b"%d\n" % os.waitstatus_to_exitcode(ended))

    def _end_all(self) -> None:
        for pid in self._pipes:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


def _become(asked: NodeCommand) -> None:
    """Take the command's environment, and its log for both outputs."""
    log = os.open(asked.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ.clear()
    os.environ.update(asked.environment)


def main() -> None:
    """Serve whoever has the other end of the socket; run the command in a process that was forked for it."""
    gc.collect()
    gc.freeze()
    asked = ForkServer(socket.socket(fileno=int(sys.argv[1]))).serve()
    if asked is not None:
        app(asked.arguments)


if __name__ == "__main__":
    main()
