"""The catalogue in memory: versions by day, withdrawals, parties, and what cannot be read."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.chassis.declared import ProcessState
from creditmesh.schemas.catalogue import CodeSet, CodeValue, CreditList, Item, Matter, Measure, Party, Purpose
from creditmesh.schemas.catalogue.item import SeverityRule
from creditmesh.schemas.catalogue.party import PublicKey
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import CatalogueChanged, ClockChanged, EntriesJudged
from creditmesh.schemas.histories import UnreadableCatalogue, once_a_version
from tests.schemas.samples import BASIS, FIRM, FORBIDDEN, ITEM, SETS, uscc

DAY = date(2026, 3, 1)


@dataclass(frozen=True)
class Seen:
    number: int
    type: str
    data: bytes
    part: int = 0


class Stream:
    """A catalogue's stream that a directory follows."""

    def __init__(self) -> None:
        self.directory = Directory()
        self.numbers = iter(range(1, 1000))

    def send(self, event: CatalogueChanged | ClockChanged) -> None:
        self.directory.apply(Seen(next(self.numbers), event.type, event.model_dump_json().encode()))

    def publish(
        self, kind: Any, body: Any, *, number: int = 1, effective: date = DAY, state: Any = "published"
    ) -> None:
        self.send(
            CatalogueChanged(
                kind=kind,
                code=body.code,
                number=number,
                state=state,
                effective=effective,
                body=body.model_dump(mode="json"),
            )
        )


@pytest.fixture
def stream() -> Stream:
    return Stream()


def an_item(number: int = 1, **changes: Any) -> Item:
    return ITEM.model_copy(update={"number": number, **changes})


def a_party(code: str = "market", **changes: Any) -> Party:
    party = Party(code=code, name=code, name_zh="市场监管局", kind="department", uscc=uscc("000000101", "11"))
    return party.model_copy(update=changes)


def test_it_is_what_a_process_follows():
    followed: ProcessState = Directory()
    assert followed.number == 0


def test_the_version_in_force_on_a_day_is_the_newest_whose_day_has_come(stream: Stream):
    stream.publish("item", an_item(1, name="First"))
    stream.publish("item", an_item(2, name="Second"), number=2, effective=DAY + timedelta(days=10))
    directory = stream.directory
    assert directory.item("penalty", on=DAY - timedelta(days=1)) is None
    assert [directory.item("penalty", on=DAY + timedelta(days=n)).name for n in (0, 9, 10)] == [
        "First",
        "First",
        "Second",
    ]
    assert directory.item("nothing", on=DAY) is None
    assert [version.number for version in directory.versions("item", "penalty")] == [1, 2]


def test_what_a_newer_catalogue_added_to_an_object_is_ignored_however_deep(stream: Stream):
    body = an_item().model_dump(mode="json")
    body["added_later"] = {"x": 1}
    for place in (body["fields"][0], body["roles"], body["display"], body["basis"][0]):
        place["added_later"] = "x"
    stream.send(CatalogueChanged(kind="item", code="penalty", number=1, state="published", effective=DAY, body=body))
    item = stream.directory.item("penalty", on=DAY)
    assert item is not None
    assert Item.model_validate(item.model_dump(include=set(Item.model_fields)), extra="ignore") == an_item()


def test_a_withdrawn_item_is_gone_from_its_day_on_and_was_there_before(stream: Stream):
    stream.publish("item", an_item())
    stream.publish("item", an_item(), effective=DAY + timedelta(days=5), state="withdrawn")
    directory = stream.directory
    assert directory.withdrawn(DAY + timedelta(days=4)) == frozenset()
    assert directory.withdrawn(DAY + timedelta(days=5)) == {"penalty"}
    assert directory.item("penalty", on=DAY + timedelta(days=4)) is not None
    assert directory.item("penalty", on=DAY + timedelta(days=5)) is None
    assert directory.objects("item", on=DAY + timedelta(days=5)) == ()
    stream.publish("item", an_item(2), number=2, effective=DAY + timedelta(days=9))
    assert directory.withdrawn(DAY + timedelta(days=8)) == {"penalty"}
    assert directory.withdrawn(DAY + timedelta(days=9)) == frozenset()


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), max_size=8), st.integers(-6, 6))
def test_an_item_is_withdrawn_or_in_force_or_not_yet_there_and_never_two_of_these(history, offset: int):
    stream = Stream()
    for number, (days, withdrawn) in enumerate(history, 1):
        effective = DAY + timedelta(days=days)
        stream.publish(
            "item", an_item(number), number=number, effective=effective, state="withdrawn" if withdrawn else "published"
        )
    day = DAY + timedelta(days=offset)
    come = [(number, withdrawn) for number, (days, withdrawn) in enumerate(history, 1) if days <= offset]
    item = stream.directory.item("penalty", on=day)
    assert (item.number if item else None) == (come[-1][0] if come and not come[-1][1] else None)
    assert stream.directory.withdrawn(day) == ({"penalty"} if come and come[-1][1] else frozenset())


def test_every_kind_of_object_is_found_by_its_code(stream: Stream):
    named = {"name": "x", "name_zh": "某"}
    stream.publish("item", an_item())
    stream.publish("list", CreditList(code="blacklist", colour="black", basis=BASIS, **named))
    stream.publish(
        "measure",
        Measure(
            code="bar",
            nature="restriction",
            lists=("blacklist",),
            kinds=(),
            matters=(),
            duties=(),
            basis=BASIS,
            **named,
        ),
    )
    stream.publish("matter", Matter(code="tender", duties=("procurement",), items=("penalty",), basis=BASIS, **named))
    stream.publish("purpose", Purpose(code="duty", ground="statutory", callers=("department",), **named))
    stream.publish("party", a_party())
    stream.publish("rule", FORBIDDEN)
    for found in SETS.values():
        stream.publish("code_set", found)
    directory = stream.directory
    assert [found.colour for found in directory.objects("list", on=DAY)] == ["black"]
    assert [found.lists for found in directory.objects("measure", on=DAY)] == [("blacklist",)]
    assert directory.matter("tender", on=DAY).items == ("penalty",)
    assert directory.purpose("duty", on=DAY).ground == "statutory"
    assert directory.code_set("penalty_kind", on=DAY) == SETS["penalty_kind"]
    assert directory.rules(on=DAY) == (FORBIDDEN,)
    assert [found.code for found in directory.objects("code_set", on=DAY)] == sorted(SETS)
    assert directory.number == 10


def test_parties_are_as_last_published_whatever_the_day(stream: Stream):
    stream.publish("party", a_party(duties=("enforcement",)), effective=date(2090, 1, 1))
    directory = stream.directory
    assert directory.party("market").duties == ("enforcement",)
    stream.publish("party", a_party(active=False), number=2)
    assert (directory.party("market").duties, directory.party("market").active) == ((), False)
    stream.publish("party", a_party(), state="withdrawn", effective=date(2090, 1, 1), number=3)
    assert directory.party("market") is None


def test_an_item_is_compiled_once_and_anew_when_a_code_set_changes(stream: Stream):
    for found in SETS.values():
        stream.publish("code_set", found)
    stream.publish("item", an_item())
    first = stream.directory.compiled("penalty", 1, on=DAY)
    assert first is stream.directory.compiled("penalty", 1, on=DAY)
    assert first.validate(FIRM) == FIRM
    fewer = SETS["penalty_kind"].model_copy(update={"values": SETS["penalty_kind"].values[1:], "open": False})
    stream.publish("code_set", fewer, number=2)
    assert isinstance(stream.directory.compiled("penalty", 1, on=DAY).validate(FIRM), tuple)
    stream.publish("rule", FORBIDDEN)
    found = stream.directory.compiled("penalty", 1, on=DAY).validate({**FIRM, "CFLB": "罚款", "宗教": "x"})
    assert [error.code for error in found] == ["forbidden_attribute"]
    with pytest.raises(KeyError, match="penalty"):
        stream.directory.compiled("penalty", 2, on=DAY)


def test_a_code_set_or_rule_of_a_later_day_changes_nothing_before(stream: Stream):
    stream.publish("item", an_item())
    stream.publish("rule", FORBIDDEN)
    for found in SETS.values():
        stream.publish("code_set", found)
    later, directory = DAY + timedelta(days=10), stream.directory
    kinds = SETS["penalty_kind"]
    words = CodeSet(
        code="number_filler", name="x", name_zh="某", values=(CodeValue(value="缺", name="x", name_zh="缺"),)
    )
    stream.publish("code_set", words)
    before = directory.compiled("penalty", 1, on=DAY), directory.fillers(on=DAY)
    without = kinds.model_copy(update={"values": kinds.values[1:]})
    more = words.model_copy(update={"values": (*words.values, CodeValue(value="免", name="y", name_zh="免"))})
    stream.publish("code_set", without, number=2, effective=later)
    stream.publish("code_set", more, number=2, effective=later)
    stream.publish("rule", FORBIDDEN.model_copy(update={"forbids": ()}), number=2, effective=later)
    assert directory.code_set("penalty_kind", on=later - timedelta(days=1)) == kinds
    assert directory.code_set("penalty_kind", on=later) == without
    assert (directory.fillers(on=DAY), directory.fillers(on=later)) == ({"缺"}, {"缺", "免"})
    assert (directory.rules(on=DAY)[0].forbids, directory.rules(on=later)[0].forbids) == (FORBIDDEN.forbids, ())
    gone = {**FIRM, "CFLB": kinds.values[0].value}
    assert isinstance(directory.compiled("penalty", 1, on=DAY).validate(gone), dict)
    assert isinstance(directory.compiled("penalty", 1, on=later).validate(gone), tuple)
    assert directory.compiled("penalty", 1, on=DAY) is directory.compiled("penalty", 1, on=later - timedelta(days=1))
    assert directory.fillers(on=DAY) == before[1]
    assert directory.code_set("penalty_kind", on=DAY - timedelta(days=1)) is not None, (
        "before its first day, as it will be"
    )


def test_a_question_is_answered_once_a_version_and_day_and_anew_by_the_next_version(stream: Stream):
    asked: list[date] = []

    @once_a_version
    def names(directory: Directory, *, on: date) -> list[str]:
        asked.append(on)
        return [each.name for each in directory.objects("item", on=on)]

    stream.publish("item", an_item(name="First"))
    directory, tomorrow = stream.directory, DAY + timedelta(days=1)
    assert [names(directory, on=DAY) for _ in range(3)] == [["First"]] * 3
    assert names(directory, on=tomorrow) == ["First"]
    assert asked == [DAY, tomorrow]
    stream.publish("item", an_item(2, name="Second"), number=2)
    assert names(directory, on=DAY) == ["Second"]
    stream.publish("item", an_item(2), number=3, state="withdrawn")
    assert names(directory, on=DAY) == []
    assert directory.withdrawn(DAY) == {"penalty"}
    assert names(Directory(), on=DAY) == []


def test_a_peer_is_found_from_the_version_on_that_enrols_it(stream: Stream):
    assert stream.directory.peers("above") == ()
    stream.publish("party", a_party("province", kind="node", place="above"))
    assert [each.code for each in stream.directory.peers("above")] == ["province"]
    stream.publish("party", a_party("province", kind="node", place="above", active=False), number=2)
    assert stream.directory.peers("above") == ()


def test_who_was_enrolled_above_once_is_taken_out_there_by_another_place(stream: Stream):
    stream.publish("party", a_party("province", kind="node", place="above"))
    stream.publish("party", a_party("province", kind="node", place="below"), number=2)
    assert stream.directory.peers("above") == ()
    assert [(each.code, each.active) for each in stream.directory.enrolled("above")] == [("province", False)]
    assert [each.code for each in stream.directory.peers("below")] == ["province"]
    assert [each.code for each in stream.directory.holders("above")] == ["province"], "it has what it was given there"
    stream.publish("party", a_party("province", kind="node", place="above"), number=3)
    assert [each.code for each in stream.directory.peers("above")] == ["province"]
    assert stream.directory.peers("below") == ()


def test_a_row_that_leaves_out_where_a_node_stands_takes_nobody_out(stream: Stream):
    address, key = "https://province.example:8443", PublicKey(id="k", use="node", alg="ed25519", public="AAAA")
    stream.publish("party", a_party("province", kind="node", place="above", url=address, keys=(key,)))
    stream.publish("party", a_party("province", kind="node"), number=2)
    party = stream.directory.party("province")
    assert party is not None
    assert (party.place, party.url, party.keys) == ("above", address, ()), "a key that it has no more signs nothing"
    for peers in (stream.directory.peers, stream.directory.enrolled, stream.directory.holders):
        assert peers("above") == (party,)
    stream.publish("party", a_party("province", kind="node", active=False), number=3)
    assert (stream.directory.peers("above"), stream.directory.holders("above")) == ((), ())
    assert [(each.place, each.active) for each in stream.directory.enrolled("above")] == [("above", False)]
    stream.publish("party", a_party("province", kind="node"), number=4)
    assert stream.directory.peers("above") == (), "who comes back says where it stands"
    stream.publish("party", a_party("province", kind="node", place="above", url=address), number=5)
    assert [each.url for each in stream.directory.peers("above")] == [address]


def test_a_child_whose_row_leaves_out_its_place_sends_for_whom_it_sent(stream: Stream):
    stream.publish("party", a_party("city", kind="node", place="below", sends_for=("city", "county")))
    stream.publish("party", a_party("city", kind="node"), number=2)
    assert [(each.place, each.sends_for) for each in stream.directory.peers("below")] == [("below", ("city", "county"))]
    stream.publish("party", a_party("city", kind="node", place="below", sends_for=("city",)), number=3)
    assert [each.sends_for for each in stream.directory.peers("below")] == [("city",)]
    stream.publish("party", a_party("city", kind="node", place="above"), number=4)
    assert [each.sends_for for each in stream.directory.peers("above")] == [()]


def test_the_answers_of_many_days_are_not_all_kept(stream: Stream):
    stream.publish("item", an_item())
    for days in range(2000):
        stream.directory.withdrawn(DAY + timedelta(days=days))
    assert stream.directory.answers.cache_info().currsize < 1000


def test_the_legal_date_moves_with_the_clocks_event(stream: Stream):
    stream.send(ClockChanged(offset_days=365))
    assert (stream.directory.offset_days, stream.directory.number) == (365, 1)


@pytest.mark.parametrize(("part", "passed"), [(0, 2), (1, 1)])
def test_what_was_judged_is_passed_where_it_stands_behind_the_catalogue_and_changes_nothing(
    stream: Stream, part: int, passed: int
):
    stream.publish("item", an_item())
    stream.directory.apply(Seen(2, EntriesJudged.type, b"{}", part))
    assert (stream.directory.number, stream.directory.passed) == (1, passed)
    assert stream.directory.item("penalty", on=DAY) is not None


def test_a_repeated_event_is_taken_once(stream: Stream):
    stream.publish("item", an_item())
    again = CatalogueChanged(
        kind="item", code="penalty", number=2, state="withdrawn", effective=DAY, body=an_item().model_dump(mode="json")
    )
    stream.directory.apply(Seen(1, again.type, again.model_dump_json().encode()))
    assert stream.directory.item("penalty", on=DAY) is not None


GOOD = {"kind": "party", "code": "market", "number": 1, "state": "published", "effective": "2026-03-01"}


@pytest.mark.parametrize(
    ("type_", "data", "says"),
    [
        ("catalogue.renamed", b"{}", "unknown type"),
        ("catalogue.changed", b"{", "cannot be read"),
        ("catalogue.changed", b'{"kind": "planet"}', "kind"),
        ("catalogue.changed", CatalogueChanged(**GOOD, body={"code": "market"}).model_dump_json().encode(), "uscc"),
        (
            "catalogue.changed",
            CatalogueChanged(**GOOD, body=a_party("other").model_dump(mode="json")).model_dump_json().encode(),
            "body of other",
        ),
        ("clock.changed", b'{"offset_days": "soon"}', "offset_days"),
    ],
)
def test_what_cannot_be_read_is_said_and_changes_nothing(stream: Stream, type_: str, data: bytes, says: str):
    stream.publish("item", an_item())
    with pytest.raises(UnreadableCatalogue, match=says):
        stream.directory.apply(Seen(2, type_, data))
    assert stream.directory.number == 1
    assert stream.directory.party("market") is None
    stream.publish("party", a_party())
    assert stream.directory.party("market") is not None


DOUBTED = (
    SeverityRule(severity="serious", fine_from="100", verified=False),
    SeverityRule(severity="minor", penalty_kinds=("警告",), verified=False),
)


def test_the_law_of_a_day_has_the_items_whose_rules_are_not_those_that_something_came_under(stream: Stream):
    stream.publish("item", an_item())
    assert stream.directory.law(DAY).items == {}
    stream.publish("item", an_item(2, name="Another name"), number=2, effective=DAY + timedelta(days=1))
    assert stream.directory.law(DAY + timedelta(days=1)).items == {}
    shorter = an_item(3, display=ITEM.display.model_copy(update={"general_months": 1}))
    stream.publish("item", shorter, number=3, effective=DAY + timedelta(days=2))
    assert set(stream.directory.law(DAY + timedelta(days=2)).items) == {"penalty"}
    stream.publish("item", an_item(), state="withdrawn", number=3, effective=DAY + timedelta(days=3))
    later = stream.directory.law(DAY + timedelta(days=3))
    assert (set(later.items), set(later.withdrawn)) == (set(), {"penalty"})


def test_a_severity_that_nobody_confirmed_rates_nothing_higher_outside_a_sandbox(stream: Stream):
    for name, body in SETS.items():
        assert body.code == name
        stream.publish("code_set", body)
    stream.publish("item", an_item(severity=DOUBTED))
    outside = stream.directory.compiled("penalty", 1, on=DAY).item
    assert outside.rated("罚款", Decimal(100), simple=False) == "general"
    assert outside.rated("警告", None, simple=False) == "minor"
    assert stream.directory.law(DAY).items == {}, "all that is stored came under it"
    confirmed = tuple(rule.model_copy(update={"verified": True}) for rule in DOUBTED)
    stream.publish("item", an_item(2, severity=confirmed), number=2)
    assert stream.directory.compiled("penalty", 2, on=DAY).item.rated("罚款", Decimal(100), simple=False) == "serious"
    assert stream.directory.law(DAY).items == {}, "confirmed, it is the rule that everything may have come under"


def test_what_came_under_an_unconfirmed_rule_before_an_upgrade_ends_by_what_is_confirmed(stream: Stream):
    stream.directory.upgraded = True
    stream.publish("item", an_item(severity=DOUBTED))
    assert set(stream.directory.law(DAY).items) == {"penalty"}
    verified = tuple(rule.model_copy(update={"verified": True}) for rule in DOUBTED)
    stream.publish("item", an_item(2, severity=verified), number=2)
    assert stream.directory.law(DAY).items == {}


def test_a_severity_that_is_doubted_after_it_was_confirmed_reaches_what_is_stored(stream: Stream):
    verified = tuple(rule.model_copy(update={"verified": True}) for rule in DOUBTED)
    stream.publish("item", an_item(severity=verified))
    assert stream.directory.law(DAY).items == {}
    stream.publish("item", an_item(2, severity=DOUBTED), number=2)
    assert set(stream.directory.law(DAY).items) == {"penalty"}


def test_in_a_sandbox_a_severity_that_nobody_confirmed_rates_as_it_says(stream: Stream):
    stream.directory.sandbox = True
    for body in SETS.values():
        stream.publish("code_set", body)
    stream.publish("item", an_item(severity=DOUBTED))
    assert stream.directory.compiled("penalty", 1, on=DAY).item.rated("罚款", Decimal(100), simple=False) == "serious"
    assert stream.directory.law(DAY).items == {}


DOUBTED_BASIS = tuple(each.model_copy(update={"verified": False}) for each in BASIS)


@pytest.mark.parametrize("doubt", ["the object", "its bases"])
def test_a_list_a_measure_or_a_matter_acts_once_it_and_a_basis_of_it_are_confirmed(stream: Stream, doubt: str):
    doubts = {"verified": False} if doubt == "the object" else {"basis": DOUBTED_BASIS}
    given = {"code": "any", "name": "X", "name_zh": "甲", "basis": BASIS}
    bodies = [
        CreditList(colour="red", **given),
        Measure(nature="reward", lists=("any",), kinds=(), matters=(), duties=(), **given),
        Matter(duties=(), items=(), **given),
    ]
    for body in bodies:
        assert stream.directory.acts(body, on=DAY)
        assert not stream.directory.acts(body.model_copy(update=doubts), on=DAY)
    stream.publish("matter", bodies[2].model_copy(update=doubts))
    assert stream.directory.matter("any", on=DAY) is None
    stream.directory.sandbox = True
    assert stream.directory.matter("any", on=DAY) is not None


def test_an_item_is_inert_until_a_basis_of_it_and_its_list_are_confirmed(stream: Stream):
    other = BASIS[0].model_copy(update={"law": "Another", "verified": False})
    listing = CreditList(code="black", name="B", name_zh="黑", colour="black", basis=BASIS)
    stream.publish("item", an_item(basis=DOUBTED_BASIS))
    assert stream.directory.inert(on=DAY) == {"penalty"}
    assert stream.directory.law(DAY).withdrawn == {"penalty"}
    assert stream.directory.own_law(DAY).withdrawn == set()
    stream.publish("item", an_item(2, basis=(other, *BASIS), designates="black"), number=2)
    assert stream.directory.inert(on=DAY) == {"penalty"}, "its list is not there"
    stream.publish("list", listing.model_copy(update={"verified": False}))
    assert stream.directory.inert(on=DAY) == {"penalty"}
    stream.publish("list", listing, number=2, effective=DAY + timedelta(days=1))
    assert (stream.directory.inert(on=DAY), stream.directory.inert(on=DAY + timedelta(days=1))) == ({"penalty"}, set())
    assert stream.directory.law(DAY + timedelta(days=1)).withdrawn == set()


def test_a_list_or_a_matter_whose_basis_is_in_force_no_more_is_none(stream: Stream):
    ended = tuple(basis.model_copy(update={"in_force_until": DAY}) for basis in BASIS)
    black = CreditList(code="black", name="Black", name_zh="黑名单", colour="black", basis=ended)
    matter = Matter(code="permit", name="Permit", name_zh="许可", duties=("permits",), items=("penalty",), basis=ended)
    stream.publish("list", black)
    stream.publish("matter", matter)
    stream.publish("item", an_item(designates="black"))
    directory = stream.directory
    assert (set(directory.lists(on=DAY)), directory.designating(on=DAY)) == ({"black"}, {("penalty", "black")})
    after = DAY + timedelta(days=1)
    assert (dict(directory.lists(on=after)), directory.designating(on=after)) == ({}, frozenset())
    assert directory.matter("permit", on=DAY) is not None
    assert directory.matter("permit", on=after) is None
