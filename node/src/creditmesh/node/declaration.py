"""The node as declared: its services, and the stream that every process follows."""

from creditmesh.catalogue import service as catalogue
from creditmesh.chassis.service import Declaration
from creditmesh.exchange import service as exchange
from creditmesh.gateway import service as gateway
from creditmesh.ingestion import service as ingestion
from creditmesh.matching import service as matching
from creditmesh.query import service as query
from creditmesh.repair import service as repair
from creditmesh.schemas.directory import Directory

NODE = Declaration(
    services=(catalogue, ingestion, query, matching, repair, exchange, gateway),
    follow="catalogue",
    followed=Directory,
)
