"""One Kafka broker (KRaft, broker and controller in one) on loopback, with all it keeps in one folder."""

import base64
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from metadata import answers
from obtain import Failed, jars, java, locked

LOGGING = Path(__file__).with_name("log4j2.yaml")
START_WITHIN = 60.0
STOP_WITHIN = 20.0
LOWEST, HIGHEST = 20_000, 32_000
"""Below the ports that systems give to outgoing connections: a client that keeps knocking at a dead broker's port
would otherwise one day be given that very port, connect to itself, and keep the broker from coming back."""


@dataclass(frozen=True, slots=True)
class Broker:
    """The broker of one data folder; every method may be called from any process."""

    data: Path

    def start(self, port: int = 0) -> str:
        """Its bootstrap address, once it answers; port 0 means the port it had before, or else a free one."""
        with locked(self.data / "lock"):
            if self._pid() is None:
                self._configure(port)
                self._run()
            elif port not in (0, self._port()):
                raise Failed(f"It already runs on port {self._port()}; stop it first.")
            self._wait()
        return self.bootstrap

    def stop(self) -> None:
        """Shut it down in order; by force if it does not go."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it with -9, for tests."""
        self._signal(signal.SIGKILL)

    def wipe(self) -> None:
        """Kill it with -9 and forget everything it stored; the next start is a new cluster on the same port."""
        self.kill()
        shutil.rmtree(self.data / "logs", ignore_errors=True)

    @property
    def running(self) -> bool:
        """Whether its process lives and answers."""
        return self._pid() is not None and answers(self._port())

    @property
    def bootstrap(self) -> str:
        """What clients connect to."""
        return f"127.0.0.1:{self._port()}"

    @property
    def _properties(self) -> Path:
        return self.data / "server.properties"

    def _port(self) -> int:
        return int(json.loads((self.data / "ports.json").read_text())["broker"])

    def _pid(self) -> int | None:
        """The pid it was started with, if that is still this broker and not a stranger with its number."""
        try:
            pid = int((self.data / "pid").read_text())
        except (OSError, ValueError):
            return None
        return pid if str(self._properties) in _command_line(pid) else None

    def _configure(self, port: int) -> None:
        ports = self.data / "ports.json"
        if not ports.exists() or port not in (0, self._port()):
            shutil.rmtree(self.data / "logs", ignore_errors=True)
            broker = port or _free_port()
            ports.write_text(json.dumps({"broker": broker, "controller": _free_port(besides=broker)}))
        self._properties.write_text(_settings(self.data / "logs", **json.loads(ports.read_text())))

    def _run(self) -> None:
        classpath = f"{jars()}/*"
        if not (self.data / "logs" / "meta.properties").exists():
            self._format(classpath)
        command = [java(), "-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        command += [f"-Dlog4j2.configurationFile={LOGGING}", "-cp", classpath, "kafka.Kafka", str(self._properties)]
        with (self.data / "broker.out").open("ab") as out:
            process = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.data, start_new_session=True
            )
        (self.data / "pid").write_text(str(process.pid))
        # A child that was started an instant ago shows an empty command line, and would pass for dead.
        while self._pid() is None and process.poll() is None:
            time.sleep(0.01)

    def _format(self, classpath: str) -> None:
        command = [java(), "-XX:TieredStopAtLevel=1", f"-Dlog4j2.configurationFile={LOGGING}", "-cp", classpath]
        command += ["kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(self._properties)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        if done.returncode != 0:
            raise Failed(f"Kafka could not format {self.data}:\n{done.stdout[-800:]}{done.stderr[-800:]}")

    def _wait(self) -> None:
        deadline = time.monotonic() + START_WITHIN
        while not answers(self._port()):
            if self._pid() is None or time.monotonic() > deadline:
                last = (self.data / "broker.out").read_text(errors="replace")[-1500:]
                raise Failed(f"The broker of {self.data} does not answer:\n{last}")
            time.sleep(0.05)

    def _signal(self, number: signal.Signals) -> None:
        pid = self._pid()
        if pid is None:
            return
        os.kill(pid, number)
        deadline = time.monotonic() + STOP_WITHIN
        while self._pid() is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            _reap(pid)
            time.sleep(0.02)


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # started by another process
        return


def _command_line(pid: int) -> str:
    try:
        if Path("/proc/self").exists():
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        command = ["ps", "-ww", "-p", str(pid), "-o", "command="]
        return subprocess.run(command, check=False, capture_output=True, text=True).stdout  # noqa: S603
    except OSError:
        return ""


def _cluster_id() -> str:
    while True:
        text = base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _free_port(*, besides: int = 0) -> int:
    for port in random.sample(range(LOWEST, HIGHEST), 100):
        with socket.socket() as probe:
            if port != besides and probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise Failed("No free port on loopback.")


def _settings(logs: Path, *, broker: int, controller: int) -> str:
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{broker}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": logs,
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        # Without these two a broker killed with -9 comes back after 12 s instead of 4.
        "broker.session.timeout.ms": 2000,
        "broker.heartbeat.interval.ms": 500,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
