"""What journeys share: logs as the node writes them, and a cast with its belongings at a whole node."""

import pytest

from creditmesh.chassis import logs
from tests.support.cast import Cast, assembled, with_belongings
from tests.support.node import TestNode


@pytest.fixture(autouse=True, scope="session")
def logged() -> None:
    """Lines as the node writes them, not the library's own rendering, which shows every local variable."""
    logs.set_up("debug", node="city", process="test")


@pytest.fixture(scope="module")
async def cast(node: TestNode) -> Cast:
    """Everybody, each with something of their own."""
    return await with_belongings(await assembled(node))
