"""What was refused for want of something here is offered again: by itself nothing comes back."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from tests.exchange.test_catching_up import chain_revisions
from tests.exchange.test_restoring import submit, withdraw
from tests.support.chain import Chain, Place, chained, enrol
from tests.support.postgres import Postgres

REFUSED = "select refused::text from exchange.answer where feed = 'up' and node = 'province'"


@pytest.fixture
async def chain(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Chain]:
    places = (
        Place(code="province", tier="province"),
        Place(code="city", tier="city", above="province"),
        Place(code="county", tier="city", above="city"),
    )
    async with chained(postgres, tmp_path, *places) as made:
        yield made


async def refused(chain: Chain) -> str:
    async with chain["city"].database.session() as session:
        return str(await session.fetchval(REFUSED))


async def offer(chain: Chain) -> int:
    offered, after = 0, 0
    while after is not None:
        answer = await chain["province"].operator().post(f"/v1/admin/feeds/city/up/offer?after={after}")
        assert answer.status_code == 200, answer.text
        offered, after = offered + answer.json()["offered"], answer.json()["next"]
    await chain.settled()
    return offered


async def test_what_was_refused_for_want_of_a_right_is_taken_when_it_is_there(chain: Chain):
    county, city, province = chain["county"], chain["city"], chain["province"]
    held = await submit(county, 1)
    await chain.settled()
    await enrol(province, city, place="below", sends_for=("city",))
    ended, kept = await submit(county, 2), await submit(county, 3)
    await withdraw(county, ended, 1)
    await chain.settled()
    assert (await chain_revisions(chain, "province")).keys() == {UUID(held)}
    before = await refused(chain)
    assert before != "{}"
    assert await offer(chain) == 3
    assert await refused(chain) == before, "what is refused once more stays so"
    await enrol(province, city, place="below", sends_for=("city", "county", "town"))
    await chain.settled()
    assert await offer(chain) == 3
    assert await chain_revisions(chain, "province") == {UUID(held): ["accepted"], UUID(kept): ["accepted"]}
    assert await refused(chain) == "{}"
    assert await offer(chain) == 0
