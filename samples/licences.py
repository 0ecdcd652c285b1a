"""Administrative licences in the 2018 field set, as three departments would send them."""

from datetime import date, timedelta
from random import Random

from creditmesh.schemas.catalogue import Party
from samples.invented import Subject
from samples.row import BASE, CATEGORY, OPEN, Row

LICENCES = {
    "market_regulation": (
        ("食品经营许可", "食品经营许可证", "预包装食品销售"),
        ("药品经营许可", "药品经营许可证", "药品零售"),
    ),
    "transport": (
        ("道路运输经营许可", "道路运输经营许可证", "道路普通货物运输"),
        ("从业资格许可", "从业资格证", "道路货物运输驾驶"),
    ),
    "housing": (
        ("建筑业企业资质许可", "建筑业企业资质证书", "建筑工程施工总承包"),
        ("施工许可", "建筑工程施工许可证", "房屋建筑施工"),
    ),
}


def clean(random: Random, subject: Subject, party: Party, number: str) -> Row:
    """A row without fault; one in ten ends within forty days, one in five never. `number` takes the year at {}."""
    decided = BASE - timedelta(days=random.randrange(5, 1400))
    chance = random.random()
    days = random.randrange(10, 40) if chance < 0.1 else random.randrange(60, 1500)
    until = None if chance > 0.8 else BASE + timedelta(days=days)
    return of(random, subject, party, number=number.format(decided.year), decided=decided, until=until)


def of(random: Random, subject: Subject, party: Party, *, number: str, decided: date, until: date | None) -> Row:
    """A licence decided that day and valid until then; None: without end."""
    name, certificate, content = random.choice(LICENCES[party.code])
    fields = {
        "XK_XDR_MC": subject.name,
        "XK_XDR_LB": CATEGORY[subject.kind],
        **identified(subject),
        "XK_XKWS": f"{name}决定书",
        "XK_WSH": number,
        "XK_XKLB": random.choice(("普通", "认可", "核准", "登记")),
        "XK_XKZS": certificate,
        "XK_XKBH": f"SL{random.randrange(10**8):08d}",
        "XK_NR": content,
        "XK_JDRQ": decided.isoformat(),
        "XK_YXQZ": decided.isoformat(),
        "XK_YXQZI": OPEN if until is None else until.isoformat(),
        "XK_XKJG": party.name_zh,
        "XK_XKJGDM": party.uscc,
        "XK_ZT": random.choice(("1", "有效")),
        "XK_LYDW": party.name_zh,
        "XK_LYDWDM": party.uscc,
    }
    return Row(fields, None if until is None else until + timedelta(days=1), subject.kind)


def identified(subject: Subject) -> dict[str, str]:
    """The fields that say who it is."""
    if subject.kind == "natural_person":
        return {"XK_XDR_ZJLX": "身份证", "XK_XDR_ZJHM": subject.number}
    return {
        "XK_XDR_SHXYM": subject.number,
        "XK_FRDB": subject.representative,
        "XK_FR_ZJLX": "身份证",
        "XK_FR_SFZH": subject.representative_number,
    }
