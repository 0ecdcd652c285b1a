"""The remote node every test of the client may ask for."""

from collections.abc import Iterator

import pytest

from creditmesh.client import Node, Retries
from tests.client.remote import KEY, Remote, serving

QUICK = Retries(attempts=4, first=0.001, longest=0.002)


@pytest.fixture
def remote() -> Iterator[Remote]:
    with serving(Remote()) as standing:
        yield standing


@pytest.fixture
def node(remote: Remote) -> Iterator[Node]:
    with Node(remote.url, key=KEY, retries=QUICK) as standing:
        yield standing
