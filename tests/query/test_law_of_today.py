"""What is stored is served by the narrower of its own law and today's, on every route, whatever was published since."""

from datetime import date, timedelta
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from creditmesh.schemas.catalogue import Item, Mask, SeverityRule
from creditmesh.schemas.events import RecordPurged
from creditmesh.schemas.rules.calendar import add_months
from tests.query.asking import authorised, by_authorisation, by_matter
from tests.query.conftest import House, invented_person, person
from tests.query.samples import a_directory, a_record, an_item, published_anew
from tests.query.test_own_side import revised
from tests.support.letters import letters

PENALTY = an_item("penalty", by_kind={"natural_person": "public"})
NAME, NUMBER, BOSS = "沙盒测试某", "990000196001010014", "测试法人"


def changed(item: Item, **more: object) -> Item:
    return item.model_copy(update=more)


def with_field(item: Item, code: str, **more: object) -> Item:
    fields = tuple(spec.model_copy(update=more) if spec.code == code else spec for spec in item.fields)
    return changed(item, fields=fields)


def for_months(item: Item, months: int) -> Item:
    return changed(item, display=item.display.model_copy(update={"months": months}))


async def a_penalty(house: House, **more: object):
    """A record about a person, sealed as its item says, and who it is about."""
    identity, record = invented_person(), uuid4()
    subject, boss = await house.subject(identity), await house.subject(invented_person())
    ciphers = await house.equipment.vault.open([subject, boss])
    sealed = [
        ciphers[subject].seal({"NAME": NAME, "ID": NUMBER}, object=record, field="subject").model_dump(),
        ciphers[boss].seal({"BOSS": BOSS}, object=record, field="representative").model_dump(),
    ]
    values = {"fields": {"DOC": f"沙监罚〔2026〕{uuid4().hex[:6]}号"}, "sealed": sealed} | more
    related = [{"role": "legal_representative", "subject": str(boss), "part": 0}]
    event = a_record(record=record, kind="natural_person", subject=subject, related=related, **values)
    await house.load(event)
    return identity, subject, boss, event


async def public(house: House, event) -> dict | None:
    async with house.client() as client:
        answer = (await client.get("/v1/public/records", params={"item": event.item, "limit": 200})).json()
    return next((each for each in answer["items"] if each["record"] == str(event.record)), None)


async def file_of(house: House, subject, event) -> dict | None:
    async with house.client(person(subject)) as client:
        answer = (await client.get("/v1/me/file")).raise_for_status().json()
    return next((each for each in answer["records"] if each["record"] == str(event.record)), None)


async def test_a_shorter_period_ends_what_is_stored_at_the_next_read_on_every_route(house: House):
    house.follow(a_directory([PENALTY]))
    identity, subject, _, event = await a_penalty(house)
    authorisation = await authorised(house, subject, items=["penalty"], max_uses=9, valid_until="2026-12-31")
    published_anew(house.equipment.followed, for_months(PENALTY, 6))
    for day, shown in ((date(2026, 7, 5), True), (date(2026, 7, 6), False)):
        house.on(day)
        released = [
            (await by_matter(house, identity)).json(), (await by_authorisation(house, identity, authorisation)).json(),
        ]  # fmt: skip
        assert [len(answer["released"]) for answer in released] == [shown, shown]
        assert (await public(house, event) is not None) == shown
        assert (await file_of(house, subject, event) is not None) == shown
        if shown:
            assert {answer["released"][0]["display_until"] for answer in released} == {"2026-07-06"}
            assert {answer["use_until"] for answer in released} == {"2026-07-06"}


async def test_a_longer_period_lengthens_nothing_that_is_stored(house: House):
    house.follow(a_directory([PENALTY]))
    identity, _, _, event = await a_penalty(house)
    published_anew(house.equipment.followed, for_months(PENALTY, 60))
    house.on(event.display_until)
    assert (await by_matter(house, identity)).json()["released"] == []
    assert await public(house, event) is None


async def test_a_table_that_is_put_right_acts_without_sending_again(house: House):
    """Rated general at twelve months when it came; by the table of today a warning is minor, three months, not open."""
    by_severity = changed(
        PENALTY,
        display=PENALTY.display.model_copy(update={"by": "by_severity", "months": None}),
        roles=PENALTY.roles.model_copy(update={"penalty_kinds": "DOC"}),
    )
    house.follow(a_directory([by_severity]))
    identity, subject, _, event = await a_penalty(house, severity="general", fields={"DOC": "警告"})
    assert (await public(house, event))["severity"] == "general"
    corrected = changed(by_severity, severity=(SeverityRule(severity="minor", penalty_kinds=("警告",)),))
    published_anew(house.equipment.followed, corrected)
    house.on(date(2026, 4, 5))
    assert await public(house, event) is None
    (released,) = (await by_matter(house, identity)).json()["released"]
    assert (released["severity"], released["display_until"]) == ("minor", "2026-04-06")
    house.on(date(2026, 4, 6))
    assert (await by_matter(house, identity)).json()["released"] == []
    assert await file_of(house, subject, event) is None


async def test_a_field_that_is_narrowed_leaves_no_old_public_form_with_the_old_characters(house: House):
    item = with_field(PENALTY, "ID", mask=Mask(keep_left=6, keep_right=2))
    house.follow(a_directory([item]))
    _, _, _, event = await a_penalty(house)
    assert (await public(house, event))["fields"]["ID"] == "990000**********14"
    published_anew(house.equipment.followed, with_field(item, "ID", mask=Mask(keep_left=2, keep_right=4)))
    assert (await public(house, event))["fields"]["ID"] == "99**************14"
    published_anew(house.equipment.followed, with_field(item, "ID", mask=None))
    assert "ID" not in (await public(house, event))["fields"]
    published_anew(house.equipment.followed, with_field(item, "ID", sensitive=False))
    assert (await public(house, event))["fields"]["ID"] == "990000**********14"


async def test_a_name_that_is_sealed_since_is_neither_shown_nor_found(house: House):
    house.follow(a_directory([PENALTY]))
    name = f"沙盒{letters()}有限公司"
    event = a_record(fields={"NAME": name, "DOC": "沙监罚〔2026〕2号"})
    await house.load(event)
    sealed = with_field(PENALTY, "NAME", sensitive=True)
    async with house.client() as client:
        found = [len((await client.post("/v1/public/searches", json={"name": name[:9]})).json()["items"])]
        published_anew(house.equipment.followed, sealed)
        found.append(len((await client.post("/v1/public/searches", json={"name": name[:9]})).json()["items"]))
    assert found == [1, 0]
    assert (await public(house, event))["fields"]["NAME"].startswith("沙*")


async def test_what_is_another_persons_is_masked_by_the_narrower_of_both_and_ones_own_stays_whole(house: House):
    house.follow(a_directory([PENALTY]))
    identity, subject, boss, event = await a_penalty(house)
    (released,) = (await by_matter(house, identity)).json()["released"]
    assert (released["fields"]["ID"], released["fields"]["BOSS"]) == (NUMBER, "测***")
    published_anew(house.equipment.followed, with_field(PENALTY, "BOSS", mask=None))
    (released,) = (await by_matter(house, identity)).json()["released"]
    assert released["fields"]["ID"] == NUMBER
    assert "BOSS" not in released["fields"]
    assert "BOSS" not in (await file_of(house, subject, event))["fields"]
    assert (await file_of(house, boss, event))["fields"]["BOSS"] == BOSS


async def test_a_kind_that_an_item_names_no_more_is_not_released(house: House):
    house.follow(a_directory([PENALTY]))
    identity, subject, _, event = await a_penalty(house)
    published_anew(house.equipment.followed, changed(PENALTY, kinds=("organisation",)))
    assert (await by_matter(house, identity)).json()["released"] == []
    assert await file_of(house, subject, event) is None


async def test_nothing_stays_of_a_record_that_was_kept_for_its_term_but_who_looked(house: House):
    house.follow(a_directory([PENALTY]))
    identity, subject, boss, event = await a_penalty(house)
    assert len((await by_matter(house, identity)).json()["released"]) == 1
    looked = len(await house.log_of(subject))
    assert await public(house, event) is not None
    purged = RecordPurged(record=event.record, subject=subject, item="penalty", named=(boss,))
    await house.purge(purged)
    await house.purge(purged)
    async with house.database.session() as session:
        for table in ("record", "public_record", "named"):
            left = await session.fetch(f"select from query.{table} where record = $1", event.record)
            assert left == [], table
    assert await file_of(house, boss, event) is None
    assert len(await house.log_of(subject)) >= looked


async def test_a_discharge_outlives_the_deletion_of_its_record(house: House):
    house.follow(a_directory([PENALTY]))
    _, subject, boss, event = await a_penalty(house)
    discharged = revised(event, change="discharged", about=boss)
    ended = revised(discharged, change="withdrawn", state="withdrawn", about=None)
    await house.load(discharged, ended)
    await house.purge(RecordPurged(record=event.record, subject=subject, item="penalty", named=(boss,)))
    async with house.database.session() as session:
        (left,) = await session.fetch("select subject, discharged from query.named where record = $1", event.record)
    assert tuple(left) == (boss, True)
    await house.load(revised(ended, change="reopened", state="published"))
    assert await file_of(house, subject, event) is not None
    assert await file_of(house, boss, event) is None


DAYS = st.integers(0, 500).map(lambda days: date(2026, 1, 6) + timedelta(days=days))
MASKS = st.none() | st.builds(Mask, keep_left=st.integers(0, 8), keep_right=st.integers(0, 8))


@st.composite
def laws(draw) -> Item:
    """The item under other periods, masks and seals; or without a field or a kind."""
    item = for_months(PENALTY, draw(st.integers(0, 16)))
    item = with_field(item, "ID", mask=draw(MASKS), sensitive=draw(st.booleans()))
    item = with_field(item, "NAME", mask=draw(MASKS), sensitive=draw(st.booleans()))
    item = with_field(item, "BOSS", mask=draw(MASKS), sensitive=draw(st.booleans()))
    if draw(st.integers(0, 5)) == 0:
        gone = draw(st.sampled_from(["BOSS", "ID"]))
        item = changed(item, fields=tuple(spec for spec in item.fields if spec.code != gone))
    if draw(st.integers(0, 5)) == 0:
        item = changed(item, disclosure_by_kind={"natural_person": "authorised"})
    return item


def kept(text: str, value: str) -> set[int]:
    """The places of the value that the text shows."""
    return {place for place, (seen, real) in enumerate(zip(text, value, strict=False)) if seen == real}


def allowed(item: Item, code: str, value: str) -> set[int]:
    """The places that an item shows to who owns nothing, said anew here."""
    spec = next((each for each in item.fields if each.code == code), None)
    if spec is None:
        return set()
    if not spec.sensitive and "natural_person" not in spec.sensitive_for:
        return set(range(len(value)))
    if spec.mask is None or spec.mask.keep_left + spec.mask.keep_right >= len(value):
        return set()
    return {n for n in range(len(value)) if n < spec.mask.keep_left or n >= len(value) - spec.mask.keep_right}


@settings(max_examples=30)
@given(then=laws(), since=st.lists(st.tuples(laws(), DAYS), min_size=1, max_size=3), day=DAYS)
async def test_nothing_that_is_served_is_wider_than_the_law_it_came_under_or_the_law_in_force(
    house: House, then: Item, since: list[tuple[Item, date]], day: date
):
    house.follow(a_directory([then]))
    identity, subject, _, event = await a_penalty(
        house, display_until=add_months(date(2026, 1, 6), then.display.months)
    )
    history = sorted(since, key=lambda each: each[1])
    for item, effective in history:
        published_anew(house.equipment.followed, item, effective=effective)
    house.on(day)
    law = [then, *(item for item, effective in history if effective <= day)][-1]
    both = (then, law)
    open_to_all = all(item.disclosed("natural_person") == "public" for item in both)
    shown = all(day < add_months(date(2026, 1, 6), item.display.months) for item in both)
    answers = [await public(house, event)] if open_to_all else []
    if law.disclosed("natural_person") != "public":
        async with house.client() as client:
            assert str(event.record) not in (await client.get("/v1/public/records", params={"item": "penalty"})).text
    answers += (await by_matter(house, identity)).json()["released"] or [None]
    answers.append(await file_of(house, subject, event))
    assert [answer is not None for answer in answers] == [shown] * len(answers)
    for place, answer in enumerate(each for each in answers if each is not None):
        assert (
            answer["display_until"]
            <= min(add_months(date(2026, 1, 6), item.display.months) for item in both).isoformat()
        )
        strangers = ("ID", "NAME", "BOSS") if open_to_all and place == 0 else ("BOSS",)
        for code, value in (("ID", NUMBER), ("NAME", NAME), ("BOSS", BOSS)):
            may = set.intersection(*(allowed(item, code, value) for item in both))
            if code in strangers:
                assert kept(answer["fields"].get(code, ""), value) <= may, (code, answer["fields"])
            elif code in {spec.code for spec in law.fields}:
                assert answer["fields"].get(code) in {value, None}
