"""A vault as it was before a subject and its data key were one row."""

KEYS_APART = """
drop index vault.identity_subject_idx;
drop function vault.erase;
alter table vault.subject drop column closed_at;
create table vault.data_key (
    subject uuid primary key references vault.subject,
    key_id text not null,
    alg text not null,
    wrapped bytea,
    at timestamptz not null default clock_timestamp(),
    destroyed_at timestamptz,
    check ((wrapped is null) = (destroyed_at is not null))
);
do $$ begin
    execute format('alter table vault.data_key owner to %s',
                   (select relowner::regrole from pg_class where oid = 'vault.subject'::regclass));
end $$;
insert into vault.data_key (subject, key_id, alg, wrapped, at)
select id, key_id, alg, wrapped, keyed_at from vault.subject where key_id is not null;
alter table vault.subject drop column key_id, drop column alg, drop column wrapped, drop column keyed_at,
                          drop column destroyed_at;
create index identity_subject_idx on vault.identity (subject);
alter table vault.identity add foreign key (subject) references vault.subject deferrable initially deferred;
alter table vault.known add foreign key (subject) references vault.subject;
drop function vault.enter;
update vault.alembic_version set version_num = 'vault_0008';
"""
