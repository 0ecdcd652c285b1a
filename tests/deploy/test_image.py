"""The image's own steps, run without an engine: a node of processes from nothing but what they make."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.metadata import distributions
from pathlib import Path

import httpx
import pytest

from creditmesh.chassis.database.roles import RELAY
from creditmesh.node.declaration import NODE
from creditmesh.node.operator import in_clear
from tests.support.eventually import eventually
from tests.support.postgres import Postgres, url_of

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "deploy/image"
NAMES = [service.name for service in NODE.services]
HIDDEN = """
set -e
mount --make-rprivate /
mount -t tmpfs none "$CHECKOUT"
mount --bind "$PREFIX" "$PREFIX"
mount -o remount,ro,bind "$PREFIX"
cd /
exec "$@"
"""
"""What an image has none of is not there: the checkout. What it has is read and not written."""
MOUNTS = os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0  # noqa: S607
"""Whether this machine lets a test have mounts of its own; where not, the same runs beside the checkout."""


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("image") / "creditmesh"
    done = subprocess.run(  # noqa: S603 - our own script
        ["/bin/sh", str(IMAGE / "install.sh"), str(made)],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return made


def locked(path: Path) -> dict[str, set[str]]:
    """What a lock pins, each with its hashes."""
    blocks = re.split(r"\n(?=[a-zA-Z0-9])", path.read_text(encoding="utf-8"))
    return {block.split()[0]: set(re.findall(r"sha256:[0-9a-f]{64}", block)) for block in blocks if block.strip()}


def test_the_image_has_what_the_tests_ran_with():
    node, everything = locked(IMAGE / "node.lock"), locked(ROOT / "requirements.lock")
    assert node.items() <= everything.items(), "make lock"
    assert all(node.values())
    assert all(locked(IMAGE / "tools.lock").values())
    assert not re.search(r"https?://", (IMAGE / "node.lock").read_text() + (IMAGE / "tools.lock").read_text())


@pytest.mark.timeout(900)
def test_what_is_installed_is_what_the_locks_name_and_the_list_of_it_names_all(prefix: Path):
    (site,) = prefix.glob("lib/python3*/site-packages")
    found = {each.metadata["Name"].lower().replace("_", "-"): each.version for each in distributions(path=[str(site)])}
    named = {name.split("==")[0] for name in locked(IMAGE / "node.lock")}
    ours = {name for name in found if name.startswith("creditmesh-")}
    assert ours == {f"creditmesh-{name}" for name in {*NAMES, "schemas", "chassis", "node"}}
    assert {name.replace(".", "-") for name in found.keys() - ours} <= {name.replace(".", "-") for name in named}
    bill = json.loads((prefix / "sbom.json").read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    listed = {each["name"].lower().replace("_", "-"): each["version"] for each in bill["components"]}
    assert listed == found
    assert str(ROOT) not in json.dumps(bill)
    assert not list(site.glob("__editable__*"))


@pytest.mark.timeout(900)
async def test_a_node_of_processes_runs_from_the_image_each_with_its_own_share_of_the_secrets(
    prefix: Path, postgres: Postgres, tmp_path: Path
):
    node = Image(prefix, tmp_path, postgres)
    for words in (("keys", "create"), ("migrate",), ("keys", "share", str(tmp_path / "shares"))):
        node.typed(*words)
    shares = {path.name: names_in(path / "secrets") for path in (tmp_path / "shares").iterdir()}
    assert shares.keys() == {*NAMES, RELAY}
    assert shares[RELAY] == ["imaged_relay"]
    assert shares["gateway"] == ["credential", "imaged_bus", "imaged_gateway", "operator", "token"]
    assert all("index" not in shares[name] for name in ("exchange", "repair", "catalogue"))
    with ExitStack() as stack:
        for name in NAMES:
            stack.enter_context(node.running(name))
        await eventually(lambda: node.is_ready("gateway"))
        node.typed("catalogue", "load", state=tmp_path / "shares/catalogue", **node.listeners("catalogue"))
        await eventually(lambda: node.shows("/v1/catalogue/items/administrative_penalty"))
        told = node.typed("status", state=tmp_path / "shares/gateway", **node.listeners("gateway"))
        assert "gateway" in told


def names_in(folder: Path) -> list[str]:
    """The names of what a share holds; halves of keys that everybody may know are left out."""
    modes = {path: path.stat().st_mode & 0o777 for path in folder.rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    return sorted({path.name.split("-")[0] for path in modes if path.is_file() and path.suffix != ".pub"})


class Image:
    """The processes of a node as they are started from an image."""

    def __init__(self, prefix: Path, folder: Path, postgres: Postgres) -> None:
        self.prefix, self.folder, self.postgres = prefix, folder, postgres
        self.ports = {name: (_free(), _free()) for name in NAMES}

    def listeners(self, name: str) -> dict[str, str]:
        port, operator = self.ports[name]
        return {"PORT": str(port), "OPERATOR_PORT": str(operator)}

    def environment(self, state: Path, more: Mapping[str, str]) -> dict[str, str]:
        settings = {
            "NODE": "imaged",
            "TIER": "city",
            "PARTS": "12",
            "SANDBOX": "true",
            "STATE": str(state),
            "DATABASE": self.postgres.admin.of("imaged").url,
            "ADMIN": url_of(self.postgres.admin),
        } | more
        return {
            "PATH": f"{self.prefix}/bin:/usr/bin:/bin",
            "CHECKOUT": str(ROOT),
            "PREFIX": str(self.prefix),
            **{f"CREDITMESH_{name}": value for name, value in settings.items()},
        }

    def line(self, *words: str) -> list[str]:
        hidden = ["unshare", "--mount", "/bin/sh", "-c", HIDDEN, "sh"] if MOUNTS else []
        return [*hidden, str(self.prefix / "bin/creditmesh-node"), *words]

    def typed(self, *words: str, state: Path | None = None, **more: str) -> str:
        done = subprocess.run(  # noqa: S603 - our own command
            self.line(*words),
            env=self.environment(state or self.folder / "state", more),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        return done.stdout

    def running(self, name: str) -> AbstractContextManager[None]:
        services = {each: f"http://127.0.0.1:{self.ports[each][0]}" for each in NAMES if each != "gateway"}
        more = self.listeners(name) | ({"SERVICES": json.dumps(services)} if name == "gateway" else {})
        return _process(self.line("serve", name), self.environment(self.folder / "shares" / name, more))

    async def is_ready(self, name: str) -> bool:
        return await self._asked(self.ports[name][0], "/health/ready")

    async def shows(self, path: str) -> bool:
        return await self._asked(self.ports["gateway"][0], path)

    async def _asked(self, port: int, path: str) -> bool:
        async with httpx.AsyncClient(verify=in_clear()) as client:
            try:
                return (await client.get(f"http://127.0.0.1:{port}{path}")).status_code == 200
            except httpx.TransportError:
                return False


@contextmanager
def _process(line: list[str], environment: Mapping[str, str]) -> Iterator[None]:
    """A process that is told to stop at the end, and does."""
    with subprocess.Popen(line, env=environment, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as made:  # noqa: S603 - our own
        try:
            yield
            assert made.poll() is None
        finally:
            made.terminate()
            made.wait(30)


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
