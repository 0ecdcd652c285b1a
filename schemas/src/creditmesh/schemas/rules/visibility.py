"""When a record may be shown: one predicate, in Python and in SQL; a test holds the two equal.

Expiry is not a state and no job ends a record: every reader, at every tier, asks this predicate with the law of the
legal date. A record ends at the earlier of what was stored with it and what the item in force that day gives it.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Protocol

import orjson

from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.catalogue.item import SEVERITIES
from creditmesh.schemas.rules.calendar import OPEN_END
from creditmesh.schemas.rules.display import lengthened, period_of
from creditmesh.schemas.rules.severity import AMOUNT, milder, rated_anew
from creditmesh.schemas.words import Severity

_DAY = re.compile(r"\d\d\d\d-\d\d-\d\d", re.ASCII)  # without braces: it stands in statements


class Ending(Protocol):
    """What ends: a revision, an event, a public form."""

    @property
    def item(self) -> str:
        """The code of its catalogue item."""

    @property
    def kind(self) -> str:
        """The kind of its subject."""

    @property
    def severity(self) -> Severity | None:
        """The class that was stored with it."""

    @property
    def display_from(self) -> date:
        """The first day on which it may be shown: that of the decision, from which periods count."""

    @property
    def display_until(self) -> date | None:
        """The first day on which it is shown no more, as it was stored; None: open."""

    @property
    def false_material(self) -> bool:
        """Whether a repair of it was obtained by false material."""

    @property
    def fields(self) -> Mapping[str, object]:
        """Its clear fields; empty where they are not kept, and then the stored class stands in for the table."""


class Showable(Ending, Protocol):
    """What has a display period and a state: a revision, an event, a row of a read model."""

    @property
    def state(self) -> str:
        """`published`, or how it ended."""


def has_ended(state: str) -> bool:
    """Whether a record in this state has ended, for good or until it is opened again.

    One that is withheld has not: its content is not here, and other nodes may show it.
    """
    return state not in {"published", "withheld"}


@dataclass(frozen=True, kw_only=True)
class Law:
    """What visibility asks of the catalogue: the legal date, what is withdrawn on it, and the rules that have changed.

    `items` are the items in force, by code, whose rules are not those under which all that is stored was accepted: of
    others the stored end is the end.
    """

    as_of: date
    withdrawn: Collection[str] = frozenset()
    items: Mapping[str, Item] = field(default_factory=dict)

    def shows(self, row: Showable) -> bool:
        """Whether the record may be shown and used."""
        return row.state == "published" and self.stands(row)

    def stands(self, row: Showable) -> bool:
        """Whether the record holds: also one that is shown here no more because what it says is not here."""
        if has_ended(row.state) or row.item in self.withdrawn or row.display_from > self.as_of:
            return False
        until = self.until(row)
        return until is None or until > self.as_of

    def until(self, row: Ending) -> date | None:
        """The first day on which it is shown no more; None: open."""
        item, stored = self.items.get(row.item), row.display_until
        if item is None:
            return stored
        if row.kind not in item.kinds:
            return row.display_from if stored is None else min(stored, row.display_from)
        ends = period_of(
            item.display,
            decided_on=row.display_from,
            severity=rated_anew(item, row.fields, stored=row.severity),
            valid_until=_day(row.fields.get(item.roles.valid_until or "")),
            own_end=_day(row.fields.get(item.roles.display_until or "")),
        ).until
        if row.false_material:
            ends = lengthened(ends, item.repair, decided_on=row.display_from)
        return min((end for end in (stored, ends) if end is not None), default=None)

    def severity(self, row: Ending) -> Severity | None:
        """Its class: the milder of the one stored and the one that the table gives it today."""
        item = self.items.get(row.item)
        if item is None:
            return row.severity
        return milder(row.severity, rated_anew(item, row.fields, stored=row.severity))

    def publishes(self, row: Ending) -> bool:
        """Whether today's rules leave it open to all, where its item is: what is minor in principle is not."""
        item = self.items.get(row.item)
        return item is None or item.display.publishes_minor or self.severity(row) != "minor"

    @property
    def changed(self) -> bool:
        """Whether the rules of any item have: else all that is stored ends as it was stored."""
        return bool(self.items)

    @cached_property
    def binds(self) -> Mapping[str, object]:
        """The parameters of the SQL below."""
        rules = {code: rule_of(item) for code, item in self.items.items()}
        return {"as_of": self.as_of, "withdrawn": sorted(self.withdrawn), "law": orjson.dumps(rules).decode()}


def rule_of(item: Item) -> dict[str, object]:
    """What of an item decides when a record ends and whether it is open to all, as SQL reads it."""
    roles, display = item.roles, item.display
    months: dict[str, int | None] = {
        "minor": display.minor_months,
        "general": display.general_months,
        "serious": display.serious_months,
        "none": display.general_months if display.by == "by_severity" else None,
    }
    fixed = item.fixed_severity or (None if item.nature == "adverse" else "none")
    if display.by == "months":
        months = {"any": display.months}
    elif fixed is not None:
        months = {"any": months[fixed]}
    false_material = item.repair.false_material
    valid_until = roles.valid_until if display.by == "until_valid" else None
    table = [
        {"severity": SEVERITIES.index(rule.severity)}
        | ({"kinds": sorted(rule.penalty_kinds)} if rule.penalty_kinds else {})
        | ({"fine": rule.fine_from} if rule.fine_from is not None else {})
        | ({"simple": True} if rule.simple_procedure else {})
        for rule in item.severity
    ]
    return {
        "kinds": sorted(item.kinds),
        "months": months,
        "fixed": fixed,
        "table": table if fixed is None else [],
        "penalty_kinds": roles.penalty_kinds,
        "fine": roles.fine,
        "procedure": roles.procedure,
        "simple": item.simple_procedure_value,
        "valid_until": valid_until,
        "display_until": roles.display_until,
        "reads_row": "any" not in months or bool(valid_until or roles.display_until or false_material),
        "false_material": None if false_material is None else false_material.display_months,
        "publishes_minor": display.publishes_minor,
    }


def _day(text: object) -> date | None:
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


# {0} is the alias, whose column data is the row's event. A rule is read only where there is one; the event's JSON,
# which costs most, once where it matters.
_RULE = "(select cast(:law as jsonb) -> {0}item as rule) one"
_SAID = "convert_from({0}data, 'UTF8')::jsonb"
_READ_ROW = f"(select one.rule, {_SAID} as said from {_RULE} offset 0) law"
_READ = f"""
    (select one.rule, case when cast(one.rule ->> 'reads_row' as boolean) then {_SAID} end as said
       from {_RULE} offset 0) law
"""
_MONTHS = "law.rule -> 'months'"
_FIELD = "(law.said -> 'fields' ->> (law.rule ->> '%s'))"
_RATED = f"""
    coalesce(law.rule ->> 'fixed',
        case when law.rule ->> 'penalty_kinds' is not null
                  and not jsonb_exists(law.said -> 'fields', law.rule ->> 'penalty_kinds')
             then law.said ->> 'severity'
             else (array['minor', 'general', 'serious'])[1 + (
                  select max(coalesce((
                           select cast(rule.value ->> 'severity' as integer)
                             from jsonb_array_elements(law.rule -> 'table') with ordinality as rule(value, place)
                            where (rule.value -> 'kinds' is null or jsonb_exists(rule.value -> 'kinds', each.kind))
                              and (rule.value -> 'fine' is null
                                   or case when {_FIELD % "fine"} ~ '^{AMOUNT.pattern}$'
                                           then cast({_FIELD % "fine"} as numeric) end
                                      >= cast(rule.value ->> 'fine' as numeric))
                              and (rule.value -> 'simple' is null
                                   or {_FIELD % "procedure"} = law.rule ->> 'simple')
                            order by rule.place limit 1), 1))
                    from regexp_split_to_table(coalesce({_FIELD % "penalty_kinds"}, ''), ';') as each(kind))]
        end, 'none')
"""


def _after(role: str) -> str:
    text = _FIELD % role
    return f"""case when {text} ~ '^{_DAY.pattern}$' and pg_input_is_valid({text}, 'date')
                     and {text} < '{OPEN_END}' then cast({text} as date) + 1 end"""


_UNTIL = f"""
    least({{0}}display_until, case when jsonb_exists(cast(:law as jsonb), {{0}}item) then (
        select case when not jsonb_exists(law.rule -> 'kinds', {{0}}kind) then {{0}}display_from
                    when ends.until is not null and law.said ->> 'false_material' = 'true'
                    then greatest(ends.until, cast({{0}}display_from
                              + make_interval(months => cast(law.rule ->> 'false_material' as integer)) as date))
                    else ends.until
               end
          from {_READ}
         cross join lateral (select least(
                         cast({{0}}display_from
                              + make_interval(months => cast(case when jsonb_exists({_MONTHS}, 'any')
                                    then {_MONTHS} ->> 'any' else {_MONTHS} ->> {_RATED} end as integer)) as date),
                         {_after("valid_until")}, {_after("display_until")}) as until offset 0) ends) end)
"""
_PUBLISHES = f"""
    case when cast(cast(:law as jsonb) -> {{0}}item ->> 'publishes_minor' as boolean) is not false then true
         else (select case when law.said ->> 'severity' is null then true
                           else law.said ->> 'severity' <> 'minor' and {_RATED} <> 'minor' end
                 from {_READ_ROW}) end
"""
_AS_STORED = """
    ({0}state = 'published' and {0}display_from <= cast(:as_of as date)
     and ({0}display_until is null or {0}display_until > cast(:as_of as date))
     and {0}item <> all(cast(:withdrawn as text[])))
"""
_VISIBLE = f"""
    ({_AS_STORED}
     and case when jsonb_exists(cast(:law as jsonb), {{0}}item)
              then coalesce({_UNTIL} > cast(:as_of as date), true) else true end)
"""


def _of(alias: str, text: str) -> str:
    return text.replace("{0}", f"{alias}.")


def publishes_sql(alias: str) -> str:
    """`Law.publishes` as the text of an SQL condition over item and data."""
    return _of(alias, _PUBLISHES)


def visible_sql(alias: str) -> str:
    """`Law.shows` as the text of an SQL condition over state, display_from, display_until, item, kind and data.

    It takes the bind parameters of `Law.binds`: `:as_of` (date), `:withdrawn` (`text[]`) and `:law` (`jsonb`). `alias`
    is the table's name in the statement, and comes from code, never input.
    """
    return _of(alias, _VISIBLE)


def stored_sql(alias: str) -> str:
    """`visible_sql` by the end that was stored: no less, and no more where the law is not changed.

    It takes `:as_of` and `:withdrawn` and looks into no event. Under a changed law `Law.shows` judges what it finds.
    """
    return _of(alias, _AS_STORED)


def open_sql(alias: str) -> str:
    """The SQL condition that a row is of an item and kind that are open, which `opened` gives as `:opened` (`text[]`).

    It is a filter and no join, so that rows are read in the order of an index and no more of them than fill a page.
    """
    return f"{alias}.item || '/' || {alias}.kind = any(cast(:opened as text[]))"


def opened(pairs: Collection[tuple[str, str]]) -> list[str]:
    """These items and kinds as `open_sql` takes them."""
    return [f"{item}/{kind}" for item, kind in pairs]
