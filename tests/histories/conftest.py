"""Logs as the node writes them: the library's own rendering shows every local variable, and takes seconds."""

import pytest

from creditmesh.chassis import logs


@pytest.fixture(autouse=True, scope="session")
def logged() -> None:
    logs.set_up("debug", node="city", process="test")
