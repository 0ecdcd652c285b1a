"""Names are searched without brackets and dots and in simplified characters: those that are stored are folded anew.

Folding what was folded before is folding the name itself, so nothing is opened for it.
"""

from alembic import op
from sqlalchemy import text

from creditmesh.schemas.rules.names import folded

revision = "query_0004"
down_revision = "query_0003"
branch_labels = None
depends_on = None

_SOME = 10_000
_NAMES = text("select distinct name from query.public_record where name > :after order by name limit :some")
_RENAME = text("""
    update query.public_record p set name = n.new
      from unnest(cast(:old as text[]), cast(:new as text[])) as n(old, new)
     where p.name = n.old
""")


def upgrade() -> None:
    """Bring every name to its new form, ten thousand names at a time."""
    bind = op.get_bind()
    after = ""
    while names := bind.execute(_NAMES, {"after": after, "some": _SOME}).scalars().all():
        after = names[-1]
        changed = [name for name in names if folded(name) != name]
        bind.execute(_RENAME, {"old": changed, "new": list(map(folded, changed))})


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
