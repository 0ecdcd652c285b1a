"""Who plays in a journey: callers with real credentials at a whole node, and one of everything they may own.

The rows are invented; every number is in the sandbox region 990000.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson

from creditmesh.schemas.rules.numbers import resident_check, uscc_check
from tests.support.node import TestNode

ITEM = "administrative_penalty"
DEFAULTER = "judgment_defaulter"
MATTER = "procurement_review"
OWNER, OTHER, ASKER, COURT = "market_regulation", "transport", "finance", "court"
BUREAU, OTHER_BUREAU = "alpha_credit", "beta_credit"
ISSUER = "11990000000000019A"
EVERYTHING = {
    "department": (
        "records:submit",
        "records:read",
        "records:change",
        "reviews:decide",
        "queries:ask",
        "screenings:ask",
        "tasks:answer",
        "cases:handle",
    ),
    "bureau": ("queries:ask", "authorisations:write"),
    "office": ("records:read", "reviews:decide", "catalogue:publish", "cases:handle"),
    "subject": ("me:read", "me:authorise", "cases:file"),
    "node": ("exchange:pull",),
}


def resident(order: int, *, born: str = "19850412") -> str:
    """A natural person's number that is nobody's."""
    first = f"990000{born}{order:03d}"
    return first + resident_check(first)


def uscc(order: int, *, head: str = "91") -> str:
    """An organisation's code that is nobody's."""
    first = f"{head}990000{order:09d}"
    return first + uscc_check(first)


def penalty(decision: str, *, today: date, **changes: str | None) -> dict[str, str]:
    """A penalty on a natural person; a change to None leaves the field out."""
    row: dict[str, str | None] = {
        "CF_XDR_MC": "样某甲",
        "CF_XDR_LB": "自然人",
        "CF_XDR_ZJLX": "身份证",
        "CF_XDR_ZJHM": resident(1),
        "CF_WSH": decision,
        "CF_WFXW": "未按规定公示信息",
        "CF_SY": "未按规定期限公示信息。",
        "CF_YJ": "企业信息公示暂行条例第十七条",
        "CF_CFLB": "罚款",
        "CF_NR": "罚款2000元",
        "CF_NR_FK": "0.2",
        "CF_JDRQ": (today - timedelta(days=60)).isoformat(),
        "CF_YXQ": "2099-12-31",
        "CF_CFJG": "示例市市场监督管理局",
        "CF_CFJGDM": ISSUER,
        "CF_SJLY": "示例市市场监督管理局",
        "CF_SJLYDM": ISSUER,
    } | changes
    return {code: value for code, value in row.items() if value is not None}


def defaulter(case: str, *, today: date, **changes: str) -> dict[str, str]:
    """A row of the court's list, about an organisation; its representative is named by number where `changes` says."""
    published = today - timedelta(days=40)
    return {
        "INAME": "示例欠款有限公司",
        "PARTYTYPENAME": "581",
        "CARDNUM": uscc(41),
        "BUSINESSENTITY": "样某丁",
        "COURTNAME": "示例市人民法院",
        "COURTCODE": "11990000000000043T",
        "GISTID": f"{case}民初",
        "REGDATE": (published - timedelta(days=40)).isoformat(),
        "CASECODE": case,
        "DUTY": "支付货款人民币120,000元及利息",
        "PERFORMANCE": "全部未履行",
        "DISRUPTTYPENAME": "有履行能力而拒不履行生效法律文书确定义务",
        "PUBLISHDATE": published.isoformat(),
    } | changes


@dataclass
class Cast:
    """The callers by name with their credentials, and the ids of what was made for them."""

    node: TestNode
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.node.host.clock.legal_date()

    def door(self, name: str | None = None) -> httpx.AsyncClient:
        return self.node.door(None if name is None else self.tokens[name])

    async def key(self, name: str, kind: str, party: str, *, scopes: tuple[str, ...] | None = None) -> str:
        """A key for a system of a party."""
        order = {"kind": kind, "party": party, "scopes": scopes or EVERYTHING[kind], "label": uuid4().hex[:30]}
        return await self._made(name, "keys", order)

    async def officer(self, name: str, kind: str, party: str, officer: str) -> str:
        """A token for a named officer of a party."""
        order = {"kind": kind, "party": party, "officer": officer, "scopes": EVERYTHING[kind]}
        return await self._made(name, "people", order)

    async def person(
        self, name: str, number: str, *, kind: str = "natural_person", document: str = "resident_id"
    ) -> str:
        """A token for somebody's own side."""
        asked = {"kind": kind, "document": {"type": document, "number": number}}
        found = await self.node.operator().post("/internal/subjects", json=asked)
        assert found.status_code == 200, found.text
        self.ids[f"subject of {name}"] = found.json()["subject"]
        order = {"kind": "subject", "subject": found.json()["subject"], "scopes": EVERYTHING["subject"]}
        return await self._made(name, "people", order)

    async def submit(self, row: Any, *, by: str = "owner", item: str = ITEM, **headers: str) -> httpx.Response:
        """One row through the door."""
        return await self.door(by).post(f"/v1/items/{item}/records", json=row, headers=headers)

    async def _made(self, name: str, path: str, order: dict[str, Any]) -> str:
        answer = await self.node.operator().post(f"/v1/admin/{path}", json=order)
        assert answer.status_code == 201, answer.text
        self.tokens[name] = answer.json()["credential"]
        self.ids[f"key of {name}"] = answer.json()["key"]
        return self.tokens[name]


async def assembled(node: TestNode) -> Cast:
    """Two departments, their officers, two bureaus, the credit office and two persons."""
    cast = Cast(node)
    await cast.key("owner", "department", OWNER)
    await cast.key("other", "department", OTHER)
    await cast.key("asker", "department", ASKER)
    await cast.key("court", "department", COURT)
    await cast.key("bureau", "bureau", BUREAU)
    await cast.key("other bureau", "bureau", OTHER_BUREAU)
    await cast.officer("officer", "department", OWNER, "Officer Qin")
    await cast.officer("other officer", "department", OTHER, "Officer Wei")
    await cast.officer("office", "office", "credit_office", "Reviewer Lan")
    await cast.person("person", resident(1))
    await cast.person("other person", resident(2))
    return cast


async def with_belongings(cast: Cast) -> Cast:
    """One record, held row, submission, authorisation and task of the first of each kind of caller."""
    accepted = await cast.submit(penalty("示市监罚〔2026〕901号", today=cast.today))
    assert accepted.status_code == 201, accepted.text
    cast.ids["record"] = accepted.json()["record"]
    wrong = resident(3)[:-1] + ("0" if resident(3)[-1] != "0" else "1")
    held = await cast.submit(penalty("示市监罚〔2026〕902号", today=cast.today, CF_XDR_ZJHM=wrong))
    assert held.status_code == 202, held.text
    cast.ids["review"] = held.json()["review"]
    lines = await cast.door("owner").post(
        f"/v1/items/{ITEM}/records", json=[penalty("示市监罚〔2026〕903号", today=cast.today)]
    )
    cast.ids["submission"] = lines.headers["location"].rpartition("/")[2]
    cast.ids["second record"] = orjson.loads(lines.content.splitlines()[0])["record"]
    given = await cast.door("person").post("/v1/me/authorisations", json=authorisation(cast))
    assert given.status_code == 201, given.text
    cast.ids["authorisation"] = given.json()["id"]
    cast.ids["authorisation token"] = given.json()["token"]
    listed = await cast.submit(defaulter("(2026)示0101执0901号", today=cast.today), by="court", item=DEFAULTER)
    assert listed.status_code == 201, listed.text
    await cast.node.settled()
    await _with_case(cast)
    (task,) = (await cast.door("asker").get("/v1/tasks?limit=1")).json()["items"]
    cast.ids["task"] = task["id"]
    return cast


async def _with_case(cast: Cast) -> None:
    """An objection of the person to the second record, with a document; accepted, so that the record is marked."""
    filed = {"kind": "objection", "record": cast.ids["second record"], "statement": "处罚决定已撤销"}
    case = await cast.door("person").post("/v1/cases", json=filed)
    assert case.status_code == 201, case.text
    cast.ids["case"] = case.json()["case"]
    place = f"/v1/cases/{cast.ids['case']}"
    sent = {"params": {"kind": "proof"}, "content": b"%PDF-1.7\n%%EOF", "headers": {"Content-Type": "application/pdf"}}
    document = await cast.door("person").post(f"{place}/evidence", **sent)
    assert document.status_code == 201, document.text
    cast.ids["digest"] = document.json()["digest"]
    accepted = await cast.door("officer").post(
        f"{place}/actions", json={"action": "accept"}, headers={"If-Match": case.headers["etag"]}
    )
    assert accepted.status_code == 200, accepted.text
    await cast.node.settled()


def authorisation(cast: Cast) -> dict[str, Any]:
    """What the person permits the bureau."""
    until = cast.today + timedelta(days=30)
    return {
        "bureau": BUREAU,
        "purpose": "credit_assessment",
        "items": [ITEM],
        "valid_until": until.isoformat(),
        "max_uses": 5,
    }


def asked(number: str = "", **ground: Any) -> dict[str, Any]:
    """A query about the person."""
    subject = {"kind": "natural_person", "document": {"type": "resident_id", "number": number or resident(1)}}
    return {"subject": subject} | ground


BY_MATTER: dict[str, Any] = {"purpose": "statutory_duty", "matter": MATTER, "officer": "W-17"}
NOBODYS = UUID("0199f000-0000-7000-8000-000000000000")
"""An id that nothing has."""
