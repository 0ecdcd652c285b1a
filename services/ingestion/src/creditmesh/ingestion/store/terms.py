"""When the term of something that has ended is over, as one text for every statement that deletes."""

from collections.abc import Mapping

import orjson

from creditmesh.schemas.rules.retention import RetentionTerm


def kept_sql(ended: str, item: str, version: str) -> str:
    """A relation of one row, none where the term never begins: (number, months, ended, over), over on that day.

    It takes the bind parameter `:terms`. The columns named hold the day on which it ended, the item and the version it
    was accepted under. That version's own term holds, or today's shorter one, counted from the day it became so.
    """
    return f"""
        (select k.number, k.months, k.ended, k.ended + make_interval(months => k.months) as over
           from (select cast(:terms as jsonb) -> {item} as term offset 0) one
          cross join lateral (values
                (cast(term ->> 'number' as integer), cast(term ->> 'most' as integer),
                 greatest({ended}, cast(term ->> 'shortened' as date))),
                ({version}, cast(term -> 'months' ->> cast({version} as text) as integer), {ended})
                ) as k(number, months, ended)
          where {ended} is not null and k.months is not null
            and jsonb_exists(term -> 'months', cast({version} as text))
          order by over, k.months limit 1)
    """


def given(terms: Mapping[str, RetentionTerm]) -> str:
    """The parameter."""
    kept = {
        item: {
            "number": each.number,
            "since": each.since,
            "most": each.most,
            "shortened": each.shortened,
            "months": {str(version): months for version, months in each.months.items()},
        }
        for item, each in terms.items()
    }
    return orjson.dumps(kept).decode()
