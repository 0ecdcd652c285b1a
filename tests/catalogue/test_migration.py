"""A node that exists is upgraded: how far its peers above were heard is what waits of them, and else begins anew."""

from creditmesh.catalogue import service
from creditmesh.chassis.database.migrating import migrate
from tests.support.postgres import Postgres

BEFORE = """
set role catalogue1_ddl;
drop table catalogue.heard;
update catalogue.alembic_version set version_num = 'catalogue_0002';
reset role
"""
REFUSED = """
insert into catalogue.refused_entry (peer, feed, index, kind, code, body, errors, at)
values ('nation', 'down', 3, 'item', 'penalty', '{}', '[]', now()),
       ('nation', 'down', 7, 'item', 'penalty', '{}', '[]', now()),
       ('nation', 'down', 8, null, null, '{}', '[]', now())
"""


async def test_what_waits_of_a_higher_tier_is_what_was_heard_of_it(postgres: Postgres):
    database = await postgres.database(node="catalogue1", packages=[service])
    async with database.session() as session:
        await session.execute(BEFORE)
        await session.execute(REFUSED)
        await migrate(
            postgres.admin, node="catalogue1", tier="city", parts=12, packages=[service],
            secrets=postgres.secrets, database=database.name,
        )  # fmt: skip
        rows = await session.fetch("select peer, feed, kind, code, index from catalogue.heard")
    assert [tuple(row) for row in rows] == [("nation", "down", "item", "penalty", 7)]
