"""The part stands last in the indexes of the read models (decision 18). Builds them anew: minutes on large tables."""

from creditmesh.chassis.database.migrations import script

revision = "query_0002"
down_revision = "query_0001"
branch_labels = None
depends_on = None

INDEXES = """
alter table query.record drop constraint record_pkey, add primary key (record, part);
drop index query.record_part_subject_idx;
create index on query.record (subject, part);

alter table query.public_record drop constraint public_record_pkey, add primary key (record, part);

alter table query.access drop constraint access_pkey, add primary key (access, part);
drop index query.access_part_subject_entry_idx;
create index on query.access (subject, entry, part);

alter table query.authorisation drop constraint authorisation_pkey, add primary key (id, part);
drop index query.authorisation_part_subject_id_idx;
create index on query.authorisation (subject, id, part);
"""


def upgrade() -> None:
    """Build the indexes anew."""
    script(INDEXES)
