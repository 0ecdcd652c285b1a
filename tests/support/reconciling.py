"""What a node's operator is told of a peer, without a listener: the command's own steps over the operator's routes."""

import asyncio
from typing import Any

from creditmesh.node.operator import Operator
from creditmesh.node.reconciling import Reconciling, Report
from tests.support.node import TestNode


class OperatorInside(Operator):
    """Calls the node in this process from another thread."""

    def __init__(self, node: TestNode) -> None:
        self._node = node
        self._loop = asyncio.get_running_loop()

    def call(self, service: str, method: str, path: str, body: Any = None) -> Any:
        return asyncio.run_coroutine_threadsafe(self._call(service, method, path, body), self._loop).result()

    async def _call(self, service: str, method: str, path: str, body: Any) -> Any:
        answer = await self._node.operator().request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


async def reconciled(node: TestNode, peer: str, *, repair: bool = False, by: Operator | None = None) -> Report:
    """What it has of the peer, compared, and repaired if it is to be."""
    return await asyncio.to_thread(_run, Reconciling(by or OperatorInside(node), peer, repair=repair))


def _run(run: Reconciling) -> Report:
    if run.heads():
        list(run.records())
        list(run.extra())
    return run.report
