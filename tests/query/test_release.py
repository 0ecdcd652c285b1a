"""Ground ∩ credential ∩ disclosure ∩ not withdrawn, and what the answer says of the rest."""

from datetime import date
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from creditmesh.query.release import OPEN_TO, plan, use_until, withheld
from creditmesh.schemas.queries import RecordOut
from creditmesh.schemas.rules.freshness import FRESH
from creditmesh.schemas.rules.grounds import Ground
from tests.query.samples import KINDS, an_item

ITEMS = {
    "open": an_item("open"),
    "shared": an_item("shared", disclosure="sharing"),
    "permitted": an_item("permitted", disclosure="authorised"),
    "mixed": an_item("mixed", by_kind={"natural_person": "authorised"}),
}
DEPARTMENT = Ground(kind="statutory", items=("open", "shared", "permitted"))
BUREAU = Ground(kind="authorisation", items=("open", "shared", "permitted"), until=date(2026, 6, 1))


def planned(ground, *, asked=None, credential=None, kind="organisation", withdrawn=(), inert=()):
    gone = {"withdrawn": withdrawn, "inert": inert}
    return plan(ground, kinds=[kind], asked=asked, credential=credential, item=ITEMS.get, **gone)


def test_a_department_reads_what_its_matter_lists():
    assert planned(DEPARTMENT).items == ("open", "shared", "permitted")
    assert planned(DEPARTMENT, asked=("open", "mixed")).withheld == {"mixed": "outside_matter"}


def test_what_is_for_government_only_never_leaves_it():
    assert planned(BUREAU).items == ("open", "permitted")
    assert planned(BUREAU).withheld == {"shared": "not_disclosed"}


def test_a_credential_narrows_the_ground_and_never_widens_it():
    assert planned(DEPARTMENT, credential={"open", "mixed"}).items == ("open",)
    assert planned(DEPARTMENT, credential={"open"}, asked=("mixed",)).withheld == {"mixed": "outside_matter"}


def test_a_withdrawn_or_unknown_item_is_withheld():
    assert planned(DEPARTMENT, withdrawn={"open"}).withheld["open"] == "item_withdrawn"
    unknown = Ground(kind="statutory", items=("gone",))
    assert planned(unknown).withheld == {"gone": "unknown_item"}


def test_an_item_that_nobody_confirmed_is_withheld_and_a_bureau_is_not_told_which():
    assert planned(DEPARTMENT, inert={"open"}).withheld["open"] == "item_unconfirmed"
    told = withheld(BUREAU, planned(BUREAU, inert={"open"}), released=())
    assert {(line.item, line.code) for line in told} >= {("open", "nothing_released")}


def test_a_department_is_told_why_and_a_bureau_cannot_tell_no_record_from_may_not_know():
    told = withheld(DEPARTMENT, planned(DEPARTMENT, withdrawn={"open"}), released=())
    assert [(line.item, line.code) for line in told] == [("open", "item_withdrawn")]
    lines = {line.item: line.model_dump(exclude={"item"}) for line in withheld(BUREAU, planned(BUREAU), released=())}
    assert lines.keys() == {"open", "shared", "permitted"}
    assert lines["shared"] == lines["open"]  # may not know; no record
    assert [line.item for line in withheld(BUREAU, planned(BUREAU), released=("open",))] == ["permitted", "shared"]


CODES = st.lists(st.sampled_from([*ITEMS, "unknown"]), unique=True)


@given(
    ground=st.builds(Ground, kind=st.sampled_from(list(OPEN_TO)), items=CODES.map(tuple)),
    asked=st.none() | CODES,
    credential=st.none() | CODES,
    withdrawn=CODES,
    kind=st.sampled_from(KINDS),
)
def test_nothing_is_planned_that_any_of_the_four_forbids_and_every_item_is_accounted_for(
    ground, asked, credential, withdrawn, kind
):
    made = planned(ground, asked=asked, credential=credential, kind=kind, withdrawn=withdrawn)
    wanted = ground.items if asked is None else asked
    assert set(made.items) | set(made.withheld) == set(wanted)
    assert not set(made.items) & set(made.withheld)
    for code in made.items:
        assert code in ground.items
        assert code not in withdrawn
        assert credential is None or code in credential
        assert ITEMS[code].disclosed(kind) in OPEN_TO[ground.kind]


DAYS = st.dates(date(2026, 1, 1), date(2028, 1, 1))


@given(as_of=DAYS, ends=st.lists(st.none() | DAYS), ground_until=st.none() | DAYS)
def test_an_answer_is_used_no_longer_than_the_first_expiry_of_what_it_carries(as_of, ends, ground_until):
    until = use_until([_record(end) for end in ends], as_of=as_of, ground_until=ground_until)
    assert until <= as_of + FRESH
    assert all(until <= end for end in [*ends, ground_until] if end is not None)
    assert until in {as_of + FRESH, ground_until, *ends}


def _record(until):
    return RecordOut(
        record=uuid4(), revision=uuid4(), item="open", item_version=1, decided_on=date(2025, 1, 1),
        display_from=date(2025, 1, 1), display_until=until, issuer="x", party="market", origin="city", fields={},
    )  # fmt: skip
