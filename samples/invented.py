"""Invented subjects: nobody has region 990000, and names with 某 or 示例市 are nobody's."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.rules.identity import SANDBOX_REGION
from creditmesh.schemas.rules.numbers import resident_check, uscc_check

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许"
STEMS = "甲乙丙丁戊己庚辛壬癸"
BRANCHES = "子丑寅卯辰巳午未申酉戌亥"
TRADES = ("商贸", "食品", "建材", "物流", "餐饮管理", "机械制造", "医药", "信息技术", "运输", "装饰工程")
SHOPS = ("小吃店", "便利店", "理发店", "五金店", "修理部", "果蔬店")
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody a file may be about; `number` has a right check digit."""

    kind: SubjectKind
    name: str
    number: str
    representative: str = ""
    representative_number: str = ""
    registration: str = ""


def resident(born: date, order: int) -> str:
    """A resident identity number of region 990000."""
    first = f"{SANDBOX_REGION}{born:%Y%m%d}{order:03d}"
    return first + resident_check(first)


def organisation_code(prefix: str, order: int) -> str:
    """An 18-character code of region 990000: `91` an enterprise, `92` a sole trader; its inner code is right too."""
    body = f"MA{order:06d}"
    check = 11 - sum(int(c, 36) * w for c, w in zip(body, _ORGANISATION_WEIGHTS, strict=True)) % 11
    first = f"{prefix}{SANDBOX_REGION}{body}{ {10: 'X', 11: '0'}.get(check, str(check)) }"
    return first + uscc_check(first)


def name_of(order: int) -> str:
    """A person's name, another for each of the first 440 orders."""
    given = STEMS + BRANCHES
    return f"{SURNAMES[order % len(SURNAMES)]}某{given[order // len(SURNAMES) % len(given)]}"


def adult(random: Random, order: int) -> str:
    """The number of a person born 1955 to 1999."""
    return resident(date(1955, 1, 1) + timedelta(days=random.randrange(45 * 365)), order)


def people(random: Random, count: int) -> list[Subject]:
    """Natural persons, all of age."""
    return [Subject("natural_person", name_of(order), adult(random, order)) for order in range(1, count + 1)]


def organisations(random: Random, count: int) -> list[Subject]:
    """Enterprises with their legal representatives."""
    return [
        Subject(
            "organisation",
            f"示例市{_cycle(order)}{random.choice(TRADES)}有限公司",
            organisation_code("91", 1000 + order),
            name_of(order + 200),
            adult(random, order + 200),
        )
        for order in range(count)
    ]


def sole_traders(random: Random, count: int) -> list[Subject]:
    """Sole traders with their operators; each has an old registration number too."""
    return [
        Subject(
            "sole_trader",
            f"示例市{_cycle(order)}{random.choice(SHOPS)}",
            organisation_code("92", 5000 + order),
            name_of(order + 320),
            adult(random, order + 320),
            f"{SANDBOX_REGION}6{order:08d}",
        )
        for order in range(count)
    ]


def minor(order: int) -> Subject:
    """A person who was 16 in 2026."""
    return Subject("natural_person", name_of(order), resident(date(2010, 3, 1), order))


@dataclass(frozen=True, slots=True)
class Town:
    """Everybody the sample files are about; the same in all of them, so that a subject has records of several kinds."""

    people: Sequence[Subject]
    organisations: Sequence[Subject]
    sole_traders: Sequence[Subject]
    told: Sequence[Subject]
    """A person, an enterprise and a sole trader of whom the files have exactly the records that are told of."""

    def someone(self, random: Random, kind: SubjectKind | None = None) -> Subject:
        """Somebody of that kind, or anybody: mostly enterprises, as in real files."""
        wanted = kind or random.choices(("organisation", "sole_trader", "natural_person"), (5, 2, 3))[0]
        return random.choice(
            {
                "organisation": self.organisations,
                "sole_trader": self.sole_traders,
                "natural_person": self.people,
            }[wanted]
        )


def town(random: Random) -> Town:
    """The sandbox city's subjects."""
    people_, organisations_, traders = people(random, 81), organisations(random, 121), sole_traders(random, 51)
    told = (people_.pop(), organisations_.pop(), traders.pop())
    rare = organisations_[7]
    # Outside GBK, so that a reader of GB18030 shows that it is one.
    organisations_[7] = replace(rare, name=f"示例市\U00020bb7{rare.name.removeprefix('示例市')}")
    return Town(people_, organisations_, traders, told)


def _cycle(order: int) -> str:
    return STEMS[order % 10] + BRANCHES[order % 12] + ("" if order < 60 else "新")
