"""What a node rests on, looked at from where it runs: before its first start, and when something is wrong with it.

Nothing is changed, and nothing needs to run: what cannot be asked is said as that.
"""

import asyncio
import resource
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import httpx

from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.database.versions import assert_node, behind
from creditmesh.chassis.errors import MeshError
from creditmesh.chassis.http.token import LEEWAY
from creditmesh.chassis.settings import KafkaBusSettings, NodeSettings
from creditmesh.chassis.vault.keys import Keys
from creditmesh.node import peers
from creditmesh.node.database import role_addresses
from creditmesh.node.declaration import NODE
from creditmesh.node.errors import NodeError
from creditmesh.node.operator import Operator

COLUMNS = ("what", "how it is", "finding", "情况")
MOST_ROOM, SESSIONS = 1 << 30, 60
"""Bytes that should be free beside the node's folder, and sessions that a whole node has at most."""
SOON = timedelta(days=21)
SECONDS = 5.0
_SERVER = """
    select clock_timestamp() as now, current_setting('max_connections')::int as most,
           current_setting('fsync') as fsync, current_setting('full_page_writes') as pages,
           pg_is_in_recovery() as standby
"""


How = Literal["good", "note", "wrong"]


class Check(NamedTuple):
    """One thing that was looked at. `wrong` is to be mended; `note` is worth knowing."""

    what: str
    how: How
    said: str
    said_zh: str


def _good(right: bool) -> How:  # noqa: FBT001 - what it is called with says it
    return "good" if right else "wrong"


def looked(settings: NodeSettings) -> list[Check]:
    """As `look`, for who has no loop."""
    return asyncio.run(look(settings))


async def look(settings: NodeSettings) -> list[Check]:
    """All of it, in the order in which one thing rests on another."""
    found = [*_folder(settings), *_keys(settings)]
    found += [each async for each in _database(settings)]
    found += _broker(settings)
    return [*found, *await asyncio.to_thread(_neighbours, settings)]


def _folder(settings: NodeSettings) -> Iterator[Check]:
    state = settings.state
    if not state.is_dir():
        yield Check(
            "folder",
            "wrong",
            f"{state} is not there: creditmesh-node keys create",
            f"{state} 不存在：请执行 keys create",
        )
        return
    files = (path for path in settings.secrets.rglob("*") if path.is_file() and path.suffix != ".pub")
    for path in sorted(path for path in files if path.stat().st_mode & 0o077):
        yield Check("folder", "wrong", f"{path} is open to others: chmod 600", f"{path} 对他人开放：chmod 600")
    free = shutil.disk_usage(state).free
    room = f"{free >> 20} MiB free at {state}", f"{state} 可用空间 {free >> 20} MiB"
    yield Check("disk", "good" if free >= MOST_ROOM else "wrong", *room)
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = most >= settings.connections + 200
    yield Check("open files", "good" if enough else "wrong",
                f"{most} may be open, {settings.connections} connections are taken (ulimit -n, LimitNOFILE)",
                f"可打开 {most} 个文件，连接上限 {settings.connections}（ulimit -n、LimitNOFILE）")  # fmt: skip


def _keys(settings: NodeSettings) -> Iterator[Check]:
    """Of which services the keys are here: all at the keeper's, its own in a process's share."""
    folder, roles = settings.secrets / "keys", settings.secrets / "roles"
    there = any(folder.glob("*.key"))
    alone = {each.name for each in NODE.services if (roles / f"{settings.node}_{each.name}").exists()}
    for service in NODE.services:
        if not service.keys or not there or (alone and service.name not in alone):
            continue
        try:
            Keys.load(folder, service.keys)
        except (MeshError, OSError, ValueError) as error:
            yield Check(f"keys of {service.name}", "wrong", str(error), "密钥缺失、重复或对他人开放")
        else:
            yield Check(f"keys of {service.name}", "good", ", ".join(sorted(service.keys)), "齐全")
    if not there:
        yield Check(
            "keys",
            "wrong",
            f"none in {folder}: creditmesh-node keys create",
            f"{folder} 中没有密钥：请执行 keys create",
        )


async def _database(settings: NodeSettings) -> AsyncIterator[Check]:
    try:
        addresses = role_addresses(settings)
    except (MeshError, OSError) as error:
        yield Check("database", "wrong", f"{error}: creditmesh-node migrate", "尚无数据库：请执行 migrate")
        return
    role = next((name for name in ("bus", "relay") if name in addresses), None)
    if role is None:
        yield Check(
            "database",
            "wrong",
            f"no role's password in {settings.secrets}/roles: migrate first",
            "缺少角色口令：请先执行 migrate",
        )
        return
    pool = Pool(addresses[role], application_name=f"{settings.node}/doctor", size=1)
    try:
        async with asyncio.timeout(2 * SECONDS), pool.session() as session:
            for each in await _asked(settings, session):
                yield each
    except (DatabaseError, OSError, TimeoutError) as error:
        yield Check(
            "database", "wrong", f"cannot be reached as {role}: {error or type(error).__name__}", "无法连接数据库"
        )
    finally:
        await pool.close()


async def _asked(settings: NodeSettings, session: Session) -> list[Check]:
    row = await session.row(_SERVER)
    if row is None:
        return []
    found = []
    try:
        await assert_node(session, settings.facts)
        older = await behind(session, NODE.services)
    except MeshError as error:
        found.append(Check("database", "wrong", str(error), "数据库与本节点的设置不符"))
    else:
        names = ", ".join(each.package for each in older)
        found.append(
            Check(
                "database",
                "wrong",
                f"older than this program ({names}): creditmesh-node migrate",
                "数据库版本较旧：请执行 migrate",
            )
            if older
            else Check("database", "good", f"node {settings.node}, migrated", "与本节点一致，已迁移")
        )
    found.append(_clock("clock of the database", row.now))
    said = (
        f"max_connections is {row.most}, a node needs {SESSIONS}",
        f"max_connections 为 {row.most}，节点需要 {SESSIONS}",
    )
    found.append(Check("sessions", _good(row.most >= SESSIONS), *said))
    if (row.fsync, row.pages) != ("on", "on"):
        found.append(Check("durability", "note" if settings.sandbox else "wrong",
                           "fsync or full_page_writes is off: what was acknowledged may be lost with the machine",
                           "fsync 或 full_page_writes 已关闭：断电可能丢失已确认的内容"))  # fmt: skip
    if row.standby:
        found.append(Check("database", "wrong", "it is a standby and takes no writes", "该数据库为备用库，不接受写入"))
    return found


def _clock(what: str, theirs: datetime) -> Check:
    apart = abs((datetime.now(UTC) - theirs).total_seconds())
    said = f"{apart:.1f} s apart from this machine's", f"与本机相差 {apart:.1f} 秒"
    return Check(what, "good" if apart < LEEWAY else "wrong", *said)


def _broker(settings: NodeSettings) -> Iterator[Check]:
    if not isinstance(settings.bus, KafkaBusSettings):
        return
    for place in settings.bus.bootstrap.split(","):
        host, _, port = place.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS).close()
        except (OSError, ValueError) as error:
            yield Check(f"Kafka at {place}", "wrong", f"does not answer: {error}", "无应答")
        else:
            yield Check(f"Kafka at {place}", "good", "answers; topics: creditmesh-node topics apply", "有应答")


def _neighbours(settings: NodeSettings) -> list[Check]:
    """Whether each peer's address answers, by which clock, and until when its certificate holds."""
    try:
        found = peers.listed(Operator(settings.state))
    except (NodeError, OSError):
        why = (
            "the catalogue's process does not run with this folder: peers were not asked",
            "目录服务未以此文件夹运行，未检查对等节点",
        )
        return [Check("peers", "note", *why)]
    return [each for code, _, url, *_, state in found if url and state == "active" for each in _neighbour(code, url)]


def _neighbour(code: str, url: str) -> Iterator[Check]:
    try:
        answer = httpx.get(f"{url.rstrip('/')}/health/live", timeout=SECONDS)
    except httpx.TransportError as error:
        yield Check(f"peer {code}", "wrong", f"{url} does not answer: {error or type(error).__name__}", "无应答")
        return
    yield Check(
        f"peer {code}",
        "good" if answer.is_success else "wrong",
        f"{url} answers {answer.status_code}",
        f"应答 {answer.status_code}",
    )
    if date := answer.headers.get("date"):
        yield _clock(f"clock of {code}", parsedate_to_datetime(date))
    if url.startswith("https:"):
        yield _certificate(code, url)


def _certificate(code: str, url: str, *, context: Callable[[], ssl.SSLContext] = ssl.create_default_context) -> Check:
    place, what = urlsplit(url), f"certificate of {code}"
    try:
        with (
            socket.create_connection((place.hostname or "", place.port or 443), timeout=SECONDS) as plain,
            context().wrap_socket(plain, server_hostname=place.hostname) as secured,
        ):
            until = datetime.fromtimestamp(
                ssl.cert_time_to_seconds(str((secured.getpeercert() or {})["notAfter"])), UTC
            )
    except (OSError, KeyError, ValueError) as error:
        return Check(what, "wrong", f"does not hold: {error}", "证书无效")
    return Check(
        what,
        "note" if until - datetime.now(UTC) < SOON else "good",
        f"until {until:%Y-%m-%d}",
        f"有效期至 {until:%Y-%m-%d}",
    )
