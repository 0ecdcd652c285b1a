"""Index values and who is known point to subjects without a look back at each.

Whoever writes an index value has made its subject in the same call, or found it, and subjects stay: of every new person
it was looked up and locked twice all the same, and at the end of the transaction. Who is known is looked up with all
others of the call, and of who is nobody's subject nothing is kept.
"""

from creditmesh.chassis.database.migrations import script

revision = "vault_0010"
down_revision = "vault_0009"
branch_labels = None
depends_on = None

REFERENCES = """
alter table vault.identity drop constraint identity_subject_fkey;
alter table vault.known drop constraint known_subject_fkey;
"""
KNOW = """
create or replace function vault.know(subjects uuid[], kinds text[])
    returns void language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
    insert into vault.known as known (subject, kind)
    select u.subject, u.kind from unnest(subjects, kinds) as u(subject, kind)
      join vault.subject s on s.id = u.subject
     where not exists (select from vault.known k where k.subject = u.subject and k.kind = u.kind)
     order by u.subject
        on conflict (subject) do update set kind = excluded.kind where known.kind <> excluded.kind;
end;
"""


def upgrade() -> None:
    """Drop the references and replace the function; who may call it stays."""
    script(REFERENCES)
    script(KNOW)
