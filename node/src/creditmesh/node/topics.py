"""The node's topics: made where they are missing, or printed as a declaration for whoever makes them elsewhere."""

from collections.abc import Sequence

import yaml

from creditmesh.chassis.bus.kafka.topics import Topic, WrongTopic
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.versions import assert_node
from creditmesh.chassis.settings import NodeSettings
from creditmesh.chassis.transports import apply_topics, declared_topics
from creditmesh.node.database import role_addresses
from creditmesh.node.declaration import NODE
from creditmesh.node.errors import NodeError


def topics(settings: NodeSettings) -> Sequence[Topic]:
    """One for every service that emits, with as many partitions as the node has parts."""
    declared = declared_topics(settings.bus, node=settings.node, streams=NODE.streams, parts=settings.parts)
    if not declared:
        raise NodeError(
            "the bus is embedded: it has no topics (CREDITMESH_BUS__KIND=kafka, CREDITMESH_BUS__BOOTSTRAP)",
            "总线为 embedded，没有主题（CREDITMESH_BUS__KIND=kafka、CREDITMESH_BUS__BOOTSTRAP）",
        )
    return declared


async def apply(settings: NodeSettings, *, anew: bool = False) -> list[str]:
    """Make the topics that are missing; the names of those made. NodeError if one contradicts the node."""
    declared = topics(settings)
    await _assert_parts(settings)
    try:
        return await apply_topics(settings.bus, declared, anew=anew)
    except WrongTopic as error:
        raise NodeError(
            str(error),
            f"主题 {error.topic} 有 {error.partitions} 个分区，而本节点有 {error.parts} 个，两者均不可更改；"
            "如确为误建，可用 `topics apply --anew` 删除重建，不会丢失数据",
        ) from error
    except (OSError, TimeoutError) as error:
        raise NodeError(str(error) or "Kafka does not answer", "无法在 Kafka 上创建主题") from error


def declaration(settings: NodeSettings) -> str:
    """The topics as YAML."""
    declared = [
        {"name": topic.name, "partitions": topic.partitions, "replicas": topic.replicas, "config": dict(topic.config)}
        for topic in topics(settings)
    ]
    return yaml.safe_dump({"topics": declared}, sort_keys=False)


async def _assert_parts(settings: NodeSettings) -> None:
    """The number of parts stands in the database for life; a topic made with another is of no use to anybody."""
    pool = Pool(role_addresses(settings)["bus"], application_name=f"{settings.node}/topics", size=1)
    try:
        async with pool.session() as session:
            await assert_node(session, settings.facts)
    except DatabaseError as error:
        raise NodeError(
            "the node's database cannot be read (does it run, is it migrated?); the number of parts stands there",
            "无法读取节点数据库（是否已启动并完成 migrate？），分区数以其为准",
        ) from error
    finally:
        await pool.close()
