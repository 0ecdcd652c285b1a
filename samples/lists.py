"""Two small files of lists: judgment defaulters as the courts feed them, A-rated taxpayers."""

from datetime import date, timedelta
from random import Random

from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.rules.calendar import add_months
from samples.invented import Subject, Town
from samples.row import BASE, Row

REPRESENTED = 4
"""Of so many enterprises the court also names the representative by number, as not every court does."""


def defaulters(random: Random, town: Town, court: Party) -> list[Row]:
    """Eight enterprises and six persons."""
    subjects = [*town.organisations[20:28], *town.people[30:36]]
    return [_defaulter(random, subject, court, order) for order, subject in enumerate(subjects, 1)]


def _defaulter(random: Random, subject: Subject, court: Party, order: int) -> Row:
    published = BASE - timedelta(days=random.randrange(20, 700))
    filed = published - timedelta(days=random.randrange(30, 90))
    person = subject.kind == "natural_person"
    fields = {
        "INAME": subject.name,
        "PARTYTYPENAME": "580" if person else "581",
        "SEXY": "男性" if person and int(subject.number[16]) % 2 else "女性" if person else "",
        "AGE": str(published.year - int(subject.number[6:10])) if person else "",
        "CARDNUM": subject.number,
        "BUSINESSENTITY": subject.representative,
        "BUSINESSENTITYNUM": subject.representative_number if order <= REPRESENTED else "",
        "COURTNAME": court.name_zh,
        "COURTCODE": court.uscc,
        "AREANAME": "示例省",
        "GISTID": f"({filed.year})示0101民初{order:04d}号",
        "REGDATE": filed.strftime("%Y年%m月%d日"),
        "CASECODE": f"({filed.year})示0101执{order:04d}号",
        "GISTUNIT": court.name_zh,
        "DUTY": "支付货款人民币120,000元及利息",
        "PERFORMANCE": random.choice(("全部未履行", "部分未履行")),
        "DISRUPTTYPENAME": "有履行能力而拒不履行生效法律文书确定义务",
        "PUBLISHDATE": published.strftime("%Y年%m月%d日"),
    }
    fields = {code: value for code, value in fields.items() if value}
    return Row(fields, add_months(published, 24), subject.kind)


def rated(town: Town, tax: Party) -> list[Row]:
    """Sixteen enterprises rated A for 2025."""
    day = date(2026, 4, 28)
    return [
        Row(
            {
                "NSRMC": subject.name,
                "NSR_SHXYM": subject.number,
                "NSRSBH": subject.number,
                "PJND": "2025",
                "PJRQ": day.isoformat(),
                "SWJG": tax.name_zh,
                "SWJGDM": tax.uscc,
                "SJLY": tax.name_zh,
            },
            add_months(day, 12),
            subject.kind,
        )
        for subject in town.organisations[40:56]
    ]
