"""Records are found by whom they name, too: a person's own file has what names them beside what is about them."""

from creditmesh.chassis.database.migrations import partition_by_part, read_write, script

revision = "query_0005"
down_revision = "query_0004"
branch_labels = None
depends_on = None

TABLE = """
-- Whom a record has ever named beside its subject, in the part of whom it names; `home` is the record's part. Whether
-- it names them still, its newest revision says; whether it concerns them, `discharged`.
create table query.named (
    part integer not null,
    subject uuid not null,
    home integer not null,
    record uuid not null,
    discharged boolean not null,
    primary key (subject, record, part)
) partition by list (part);
"""
ROWS = """
insert into query.named (part, subject, home, record, discharged)
select (each ->> 'part')::integer, (each ->> 'subject')::uuid, r.part, r.record, false
  from query.record r cross join lateral jsonb_array_elements(convert_from(r.data, 'UTF8')::jsonb -> 'related') each
 where (each ->> 'subject')::uuid <> r.subject
    on conflict do nothing;
"""


def upgrade() -> None:
    """Make the table, and a row for each person whom the known records name."""
    script(TABLE)
    partition_by_part("query.named")
    read_write("query.named")
    script(ROWS)
