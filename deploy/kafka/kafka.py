"""Obtains Apache Kafka and runs one broker on loopback: `python deploy/kafka/kafka.py start --data DIR`.

Exit code 3: the machine lacks Java or Maven, and the one line printed says which. 1: it should have worked.
"""

import argparse
import sys
from pathlib import Path

from broker import Broker
from obtain import HOME, Failed, Missing, jars, java

MISSING = 3


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["get", "start", "stop", "kill", "wipe", "status"])
    parser.add_argument("--data", type=Path, default=HOME / "data", help="the broker's own folder")
    parser.add_argument("--port", type=int, default=0, help="0: the port it had before, or else a free one")
    arguments = parser.parse_args()
    broker = Broker(arguments.data.resolve())
    try:
        return _do(arguments.command, broker, port=arguments.port)
    except Missing as missing:
        print(missing, file=sys.stderr)
        return MISSING
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1


def _do(command: str, broker: Broker, *, port: int) -> int:
    match command:
        case "get":
            java()
            print(jars())
        case "start":
            java()
            print(f"KAFKA_BOOTSTRAP={broker.start(port)}")
        case "status":
            print(f"KAFKA_BOOTSTRAP={broker.bootstrap}" if broker.running else "not running")
            return 0 if broker.running else 1
        case _:
            getattr(broker, command)()
    return 0


if __name__ == "__main__":
    sys.exit(main())
