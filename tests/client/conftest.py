"""The remote node every test of the client may ask for."""

from collections.abc import Iterator

import pytest

from creditmesh.client import Node, Retries
from tests.client.remote import KEY, Remote, serving

QUICK = Retries(attempts=4, first=0.001, longest=0.002)


@pytest.fixture(scope="session")
def standing() -> Iterator[Remote]:
    with serving(Remote()) as remote:
        yield remote


@pytest.fixture
def remote(standing: Remote) -> Remote:
    """The standing node, with nothing asked of it yet and nothing to misbehave in."""
    for name, fresh in vars(Remote(url=standing.url)).items():
        setattr(standing, name, fresh)
    return standing


@pytest.fixture
def node(remote: Remote) -> Iterator[Node]:
    with Node(remote.url, key=KEY, retries=QUICK) as made:
        yield made
