"""The remote node every test of the client may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from creditmesh.client import Node, Retries
from tests.client.remote import KEY, Remote, serving

QUICK = Retries(attempts=4, first=0.001, longest=0.002)


@pytest.fixture(scope="session")
def standing() -> Iterator[Remote]:
    with serving(Remote()) as remote:
        yield remote


@pytest.fixture(autouse=True)
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the keys of nodes are kept: nobody's home."""
    file = tmp_path / "pins" / "nodes.json"
    monkeypatch.setenv("CREDITMESH_PINS", str(file))
    return file


@pytest.fixture(autouse=True)
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where profiles are kept: nobody's home either."""
    file = tmp_path / "profiles" / "profiles.json"
    monkeypatch.setenv("CREDITMESH_PROFILES", str(file))
    return file


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
