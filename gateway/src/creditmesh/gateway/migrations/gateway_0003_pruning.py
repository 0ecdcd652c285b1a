"""The security log ends somewhere: a function removes its oldest lines, which the gateway's role itself may not."""

from creditmesh.chassis.database.migrations import script, service_role

revision = "gateway_0003"
down_revision = "gateway_0002"
branch_labels = None
depends_on = None

# Whatever it is asked, what happened within the last 30 days stays: who breaks into the gateway does not wipe its log.
PRUNE = """
create index on gateway.security_log (at);

create function gateway.prune_security_log(before timestamptz, most integer)
    returns table (pruned bigint, oldest timestamptz)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    until timestamptz := least(prune_security_log.before, clock_timestamp() - interval '30 days');
begin
    return query
    with gone as (
        delete from gateway.security_log
         where id in (select l.id from gateway.security_log l where l.at < until
                       order by l.at limit prune_security_log.most)
        returning 1
    )
    select (select count(*) from gone), (select min(l.at) from gateway.security_log l where l.at >= until);
end
$$;

revoke all on function gateway.prune_security_log from public;
"""


def upgrade() -> None:
    """Make it, for the gateway's role alone."""
    script(PRUNE)
    script(f"grant execute on function gateway.prune_security_log to {service_role()}")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
