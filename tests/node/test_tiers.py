"""A sandbox node of any tier and code has parties of its tier, and a row that can be handed to a peer."""

from pathlib import Path
from typing import Literal

import pytest

from tests.support.node import running
from tests.support.postgres import Postgres


@pytest.mark.parametrize(
    ("code", "tier", "department"),
    [("cityb", "city", "court"), ("province", "province", "province_court"), ("nation", "nation", "nation_court")],
)
async def test_a_sandbox_node_of_any_tier_has_parties_and_a_row_of_its_own(
    postgres: Postgres, tmp_path: Path, code: str, tier: Literal["city", "province", "nation"], department: str
):
    async with running(postgres, tmp_path, code=code, tier=tier) as node:
        directory = node.host.followed
        assert directory.party(department).active
        assert directory.party("credit_office").active
        assert directory.peers("above") == directory.peers("below") == ()
        own = (await node.operator().get("/v1/admin/peers")).json()["own"]
        assert (own["code"], {key["use"] for key in own["keys"]}) == (code, {"node", "feed"})
        again = await node.operator().post("/v1/admin/catalogue", json={"folder": None})
        assert again.json()["published"] == 0
