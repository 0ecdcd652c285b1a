"""The sandbox's Kafka: the cluster of KAFKA_BOOTSTRAP, or a broker of our own from the scripts in `deploy/kafka`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from creditmesh.chassis.settings import BusSettings, EmbeddedBusSettings, KafkaBusSettings
from creditmesh.node.errors import NodeError

SCRIPT = Path("deploy/kafka/kafka.py")


@contextmanager
def broker(bus: str, data: Path, console: Console) -> Iterator[BusSettings]:
    """The settings of that bus; a broker started here is stopped on leaving."""
    if bus == "embedded":
        yield EmbeddedBusSettings()
        return
    if bus != "kafka":
        raise NodeError(f"the bus is embedded or kafka, not {bus!r}", f"总线只能是 embedded 或 kafka，而不是 {bus!r}")
    given = os.environ.get("KAFKA_BOOTSTRAP")
    if given:
        yield KafkaBusSettings(bootstrap=given, replication=1, min_isr=1)
        return
    with console.status("Apache Kafka"):
        bootstrap = _script("start", data).strip().removeprefix("KAFKA_BOOTSTRAP=")
    try:
        yield KafkaBusSettings(bootstrap=bootstrap, replication=1, min_isr=1)
    finally:
        _script("stop", data)


def forget(data: Path) -> None:
    """End a broker that a sandbox of before could not stop; what it stored is of no use to anybody."""
    if data.exists():
        _script("wipe", data)


def variables(bus: BusSettings) -> dict[str, str]:
    """The settings as a process reads them."""
    return {f"CREDITMESH_BUS__{name.upper()}": str(value) for name, value in bus.model_dump().items()}


def _script(command: str, data: Path) -> str:
    if not SCRIPT.exists():
        raise NodeError(
            "set KAFKA_BOOTSTRAP, or run from a checkout so that a broker can be started",
            "请设置 KAFKA_BOOTSTRAP，或在代码检出目录中运行以便启动本地 Kafka",
        )
    arguments = [sys.executable, str(SCRIPT), command, "--data", str(data.resolve())]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)  # noqa: S603 - our own script
    if done.returncode:
        raise NodeError(done.stderr.strip() or "Kafka did not start", "Kafka 启动失败")
    return done.stdout
