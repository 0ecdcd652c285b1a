"""Administrative penalties in the 2018 field set, as three departments would send them."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.events.record import Severity
from creditmesh.schemas.rules.calendar import add_months
from samples.invented import Subject
from samples.row import BASE, CATEGORY, OPEN, Row

MONTHS: dict[Severity, int] = {"minor": 3, "general": 12, "serious": 36}
AGES: dict[Severity, tuple[int, int]] = {"minor": (5, 75), "general": (12, 350), "serious": (370, 1060)}
"""How many days ago a decision of each severity may lie and still be shown on the base date."""


@dataclass(frozen=True, slots=True)
class Offence:
    """A violation a department deals with."""

    kind: str
    facts: str
    basis: str


OFFENCES = {
    "market_regulation": (
        Offence("食品安全违法", "经营超过保质期的预包装食品", "《中华人民共和国食品安全法》第一百二十四条"),
        Offence("广告违法", "发布含有绝对化用语的广告", "《中华人民共和国广告法》第五十七条"),
        Offence("价格违法", "经营商品未按规定明码标价", "《中华人民共和国价格法》第四十二条"),
        Offence("计量违法", "使用未经检定的计量器具", "《中华人民共和国计量法》第二十五条"),
    ),
    "transport": (
        Offence("超限运输", "车辆载物超过核定载质量", "《公路安全保护条例》第六十四条"),
        Offence("无证经营", "未取得道路运输经营许可从事货运", "《中华人民共和国道路运输条例》第六十三条"),
        Offence("违规营运", "未按批准的站点停靠", "《中华人民共和国道路运输条例》第六十九条"),
    ),
    "housing": (
        Offence("施工安全违法", "施工现场未设置安全警示标志", "《建设工程安全生产管理条例》第六十二条"),
        Offence("资质违法", "超越资质等级承揽工程", "《建设工程质量管理条例》第六十条"),
    ),
}


def clean(random: Random, subject: Subject, party: Party, number: str) -> Row:
    """A row without fault; its severity decides how old it may be and still be shown. `number` takes the year at {}."""
    severity: Severity = random.choices(("minor", "general", "serious"), (2, 6, 2))[0]
    decided = BASE - timedelta(days=random.randrange(*AGES[severity]))
    row = of(random, subject, party, number=number.format(decided.year), severity=severity, decided=decided)
    if severity == "general" and random.random() < 0.15:
        _ends_early(row, BASE + timedelta(days=random.randrange(5, 30)))
    return row


def of(random: Random, subject: Subject, party: Party, *, number: str, severity: Severity, decided: date) -> Row:
    """A row of this severity, decided that day."""
    offence = random.choice(OFFENCES[party.code])
    kinds, fine, content = _penalty(random, severity)
    fields = {
        "CF_XDR_MC": subject.name,
        "CF_XDR_LB": CATEGORY[subject.kind],
        **identified(subject),
        "CF_WSH": number,
        "CF_WFXW": offence.kind,
        "CF_SY": f"当事人于{_month(decided - timedelta(days=30))}{offence.facts}",
        "CF_YJ": offence.basis,
        "CF_CFLB": kinds,
        "CF_NR": content,
        "CF_NR_FK": fine,
        "CF_NR_ZKDX": "示例许可证（编号略）" if "吊销" in kinds else "",
        "CF_JDRQ": decided.isoformat(),
        "CF_YXQ": OPEN if severity == "serious" else add_months(decided, 12).isoformat(),
        "CF_CFJG": party.name_zh,
        "CF_CFJGDM": party.uscc,
        "CF_SJLY": party.name_zh,
        "CF_SJLYDM": party.uscc,
    }
    fields = {code: value for code, value in fields.items() if value}
    return Row(fields, add_months(decided, MONTHS[severity]), subject.kind)


def identified(subject: Subject) -> dict[str, str]:
    """The fields that say who it is."""
    if subject.kind == "natural_person":
        return {"CF_XDR_ZJLX": "身份证", "CF_XDR_ZJHM": subject.number}
    return {
        "CF_XDR_SHXYM": subject.number,
        "CF_FRDB": subject.representative,
        "CF_FR_ZJLX": "身份证",
        "CF_FR_ZJHM": subject.representative_number,
    }


def _ends_early(row: Row, last: date) -> None:
    row.fields["CF_GSJZQ"] = last.isoformat()
    if row.ends is not None:
        row.ends = min(row.ends, last + timedelta(days=1))


def _month(day: date) -> str:
    return f"{day.year}年{day.month}月"


def _penalty(random: Random, severity: Severity) -> tuple[str, str, str]:
    """Kinds, fine in 万元 and the words of the decision."""
    if severity == "minor":
        return random.choice((("警告", "", "给予警告。"), ("通报批评", "", "给予通报批评。")))
    yuan = random.choice((500, 1000, 2000, 3500, 5000, 12000, 30000, 80000))
    fine, words = f"{yuan / 10000:.6f}".rstrip("0").rstrip("."), f"处以罚款人民币{yuan:,}元。"
    if severity == "general":
        return random.choice((("罚款", fine, words), ("警告;罚款", fine, f"给予警告，{words}")))
    return random.choice(
        (
            ("罚款;吊销许可证件", fine, f"吊销许可证件，{words}"),
            ("责令停产停业", "", "责令停产停业三十日。"),
            ("罚款;限制从业", fine, f"三年内不得从事相关生产经营，{words}"),
        )
    )
