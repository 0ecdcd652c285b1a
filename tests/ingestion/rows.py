"""The shipped items, and invented rows of them: every number is in the sandbox region 990000."""

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import TypeVar

import yaml

from creditmesh.schemas.catalogue import CodeSet, CreditList, Item, Party, Rule
from creditmesh.schemas.rules.compile import CompiledItem, compile_item
from creditmesh.schemas.rules.numbers import resident_check, uscc_check

DATA = Path(__file__).parents[2] / "services/catalogue/src/creditmesh/catalogue/data"
TODAY = date(2026, 11, 22)
T = TypeVar("T", Item, CreditList)


def _bodies(folder: str) -> list[dict[str, object]]:
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((DATA / folder).glob("*.yaml"))]


@cache
def items() -> dict[str, Item]:
    """The items, with confirmed bases."""
    return {item.code: _compared(item) for item in map(Item.model_validate, _bodies("items"))}


@cache
def lists() -> dict[str, CreditList]:
    """The lists, as somebody confirmed them."""
    read = (_compared(found) for found in map(CreditList.model_validate, _bodies("lists")))
    return {found.code: found.model_copy(update={"verified": True}) for found in read}


def _compared(body: T) -> T:
    """With bases that somebody compared with the law: of others nothing is collected on a real node."""
    basis = tuple(each.model_copy(update={"verified": True}) for each in body.basis)
    return body.model_copy(update={"basis": basis})


@cache
def code_sets() -> dict[str, CodeSet]:
    return {found.code: found for found in map(CodeSet.model_validate, _bodies("code_sets"))}


@cache
def parties() -> dict[str, Party]:
    return {party.code: party for party in map(Party.model_validate, _bodies("sandbox/city/parties"))}


@cache
def rules() -> tuple[Rule, ...]:
    return tuple(map(Rule.model_validate, _bodies("rules")))


@cache
def compiled(code: str = "administrative_penalty") -> CompiledItem:
    return compile_item(items()[code], code_sets(), rules())


MARKET = parties()["market_regulation"]
TRANSPORT = parties()["transport"]


def resident(order: int = 1, *, born: str = "19800315") -> str:
    if order > 999:
        born = f"{date.fromisoformat(born) + timedelta(days=order // 1000):%Y%m%d}"
    first = f"990000{born}{order % 1000:03d}"
    return first + resident_check(first)


def uscc(order: int = 1, *, head: str = "91") -> str:
    first = f"{head}990000{order:09d}"
    return first + uscc_check(first)


def penalty(number: int = 1, **changes: str | None) -> dict[str, str]:
    """A valid penalty on an organisation; a change to None leaves the field out."""
    row = {
        "CF_XDR_MC": f"示例贸易{number}有限公司",
        "CF_XDR_LB": "法人及非法人组织",
        "CF_XDR_SHXYM": uscc(number),
        "CF_FRDB": "样甲",
        "CF_WSH": f"示市监处罚〔2026〕{number}号",
        "CF_WFXW": "未按规定公示信息",
        "CF_SY": "未按规定期限公示年度报告。",
        "CF_YJ": "企业信息公示暂行条例第十七条",
        "CF_CFLB": "罚款",
        "CF_NR": "罚款2000元",
        "CF_NR_FK": "0.2",
        "CF_JDRQ": "2026-05-11",
        "CF_YXQ": "2099-12-31",
        "CF_CFJG": "示例市市场监督管理局",
        "CF_CFJGDM": MARKET.uscc,
        "CF_SJLY": "示例市市场监督管理局",
        "CF_SJLYDM": MARKET.uscc,
    }
    return changed(row, changes)


def person_penalty(number: int = 1, *, born: str = "19800315", **changes: str | None) -> dict[str, str]:
    """A valid penalty on a natural person."""
    row = penalty(number, CF_XDR_SHXYM=None, CF_FRDB=None)
    row |= {
        "CF_XDR_MC": f"样某{number}",
        "CF_XDR_LB": "自然人",
        "CF_XDR_ZJLX": "身份证",
        "CF_XDR_ZJHM": resident(number, born=born),
    }
    return changed(row, changes)


def changed(row: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    row = row | {code: value for code, value in changes.items() if value is not None}
    return {code: value for code, value in row.items() if changes.get(code, value) is not None}
