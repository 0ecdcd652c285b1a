"""Of answers whose records were deleted before matching_0005, no more is kept than of those deleted since.

Their deletion is told once more. Whoever has handled it finds nothing left to delete, and matching reduces its answers.
"""

from datetime import UTC, datetime

from alembic import op

from creditmesh.chassis.bus.event import part_of
from creditmesh.chassis.database.migrations import parts
from creditmesh.chassis.ids import new_id
from creditmesh.schemas.events import RecordChanged, RecordPurged
from creditmesh.schemas.rules.calendar import shanghai_day

revision = "matching_0007"
down_revision = "matching_0006"
branch_labels = None
depends_on = None

KNOWN = "select to_regclass('ingestion.revision') is not null"
# Of a record that is deleted nobody has a place; nor has who was discharged, of one that stands.
LEFT = """
select f.record, array_agg(distinct f.subject) as subjects, (array_agg(f.data))[1] as data
  from matching.feedback f
 where not f.purged and not exists (
       select from matching.standing s where s.part = f.part and s.record = f.record and s.subject = f.subject)
 group by f.record
"""
STANDS = """
select exists (select from ingestion.revision i
                where i.part = $1 and i.subject = $2 and i.record = $3)
"""
EVENT = """
insert into bus.event (stream, part, id, type, version, key, at, legal_date, data)
values ('ingestion', $1, $2, 'record.purged', 1, $3, now(), $4, $5)
"""
QUEUE = "insert into bus.event_queue (stream, part, type, event) values ('ingestion', $1, 'record.purged', $2)"


def upgrade() -> None:
    """Tell it of each record of which answers are left whole, and no revision."""
    connection = op.get_bind()
    if not connection.exec_driver_sql(KNOWN).scalar():
        return
    day = shanghai_day(datetime.now(UTC))
    for row in connection.exec_driver_sql(LEFT).all():
        said = RecordChanged.model_validate_json(row.data)
        part = part_of(str(said.subject), parts())
        if connection.exec_driver_sql(STANDS, (part, said.subject, row.record)).scalar():
            continue
        named = tuple(each for each in row.subjects if each != said.subject)
        told = RecordPurged(subject=said.subject, record=row.record, item=said.item, named=named)
        id_ = new_id()
        connection.exec_driver_sql(EVENT, (part, id_, told.key, day, told.model_dump_json().encode()))
        connection.exec_driver_sql(QUEUE, (part, id_))


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
