"""Which statements a session sends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from creditmesh.chassis.database.session import Session


@asynccontextmanager
async def sent_by(session: Session) -> AsyncIterator[list[str]]:
    """The statements of the block, complete when it ends."""
    sent: list[str] = []
    with session.driver.query_logger(lambda each: sent.append(each.query)):
        yield sent
        await asyncio.sleep(0)  # the driver tells in the next turn of the loop
