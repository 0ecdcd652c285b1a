"""What the units of the exchange are woken by, where none of them looks by itself for long."""

from pathlib import Path

import pytest

from creditmesh.exchange import comparer, passer, puller
from tests.support.chain import Place, chained
from tests.support.postgres import Postgres

PLACES = (Place(code="province", tier="province"), Place(code="city", tier="city", above="province"))


async def test_who_enrols_is_asked_and_pulled_as_soon_as_the_catalogue_says_so(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for unit in (comparer, passer, puller):
        monkeypatch.setattr(unit, "SECONDS_TO_LOOK", 600.0)
    async with chained(postgres, tmp_path, *PLACES) as chain:
        assert set(chain.nodes) == {"province", "city"}
