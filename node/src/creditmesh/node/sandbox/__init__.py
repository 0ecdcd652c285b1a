"""The sandbox: the nodes of a chain with invented parties, started from nothing; `sandbox.run` tells its story."""

from creditmesh.node.sandbox.chain import CHAIN
from creditmesh.node.sandbox.node import SandboxNode
from creditmesh.node.sandbox.starting import Sandbox, started

__all__ = ["CHAIN", "Sandbox", "SandboxNode", "started"]
