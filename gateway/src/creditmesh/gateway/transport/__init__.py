"""How a request reaches its service: in this process, or over HTTP in another."""

from creditmesh.gateway.transport.in_process import InProcess
from creditmesh.gateway.transport.over_http import OverHttp
from creditmesh.gateway.transport.protocol import ServiceTransport

__all__ = ["InProcess", "OverHttp", "ServiceTransport"]
