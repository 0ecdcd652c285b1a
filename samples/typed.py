"""A table as people type it and as their tools hand it on: the dirt is in what stands in the cells.

Tabs between cells and a carriage return alone behind rows, as a spreadsheet for another system saves it.
"""

import csv
import io
from datetime import date, timedelta
from random import Random

from creditmesh.schemas.catalogue import Item, Party
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.rules.identity import USCC_PLACEHOLDER
from samples import penalties
from samples.dirt import FULL_WIDTH, PENALTY, By, Soil
from samples.exported import Exported
from samples.invented import Town
from samples.row import BASE, Row

SEED = 20261122
_HAN = str.maketrans("0123456789", "〇一二三四五六七八九")
_CYRILLIC = str.maketrans("ABCEHKMPTX", "АВСЕНКМРТХ")
_HEADER = {
    "CF_XDR_MC": "1、行政相对人名称（必填）",
    "CF_XDR_SHXYM": "統一社會信用代碼（18位）",
    "CF_NR_FK": "罚款金额（单位：万元）",
    "CF_JDRQ": "处罚决定日期（格式：YYYY-MM-DD）",
    "CF_WSH": "行政处罚决定书文号(CF_WSH)",
}
_GUARDED = ("CF_XDR_SHXYM", "CF_FR_ZJHM", "CF_WSH", "CF_JDRQ", "CF_NR_FK", "CF_CFJGDM", "CF_CFLB")


def guarded(row: Row, by: By) -> None:
    """Accepted: guards against the spreadsheet around every number, date and code."""
    for code in _GUARDED:
        row.fields[code] = by.random.choice(("'{}", '="{}"', "{}\t", "＇{}")).format(row.fields[code])


def look_alike(row: Row, _by: By) -> None:
    """Accepted: letters of another script, parts of characters, other brackets."""
    row.fields["CF_XDR_SHXYM"] = row.fields["CF_XDR_SHXYM"].translate(_CYRILLIC)
    number = row.fields["CF_WSH"].replace("示", "⽰").replace("〔", "﹝").replace("〕", "﹞")
    row.fields["CF_WSH"] = number.translate(FULL_WIDTH)


def days_in_words(row: Row, _by: By) -> None:
    """Accepted: a day as an official document has it, an end in traditional characters."""
    day = date.fromisoformat(row.fields["CF_JDRQ"])
    row.fields["CF_JDRQ"] = f"{str(day.year).translate(_HAN)}年{_spoken(day.month)}月{_spoken(day.day)}日"
    row.fields["CF_YXQ"] = "（長期）"


def an_instant_elsewhere(row: Row, _by: By) -> None:
    """Accepted: midnight in China, as a system in UTC writes it."""
    day = date.fromisoformat(row.fields["CF_JDRQ"]) - timedelta(days=1)
    row.fields["CF_JDRQ"] = f"{day} 16:00:00 UTC"


def an_amount_twice(row: Row, _by: By) -> None:
    """Accepted: the amount in digits and, in brackets, in words."""
    row.fields["CF_NR_FK"] = "￥2,000.00元（大写：人民币贰仟元整）"


def an_amount_in_ten_thousands(row: Row, _by: By) -> None:
    """Accepted: the unit behind the amount."""
    row.fields["CF_NR_FK"] = "0.2萬元"


def other_spellings(row: Row, _by: By) -> None:
    """Accepted: values as another standard has them, joined by a word."""
    row.fields |= {"CF_CFLB": "警告并处罰款", "CF_XDR_LB": "法人或其它组织"}


def a_value_near_another(row: Row, _by: By) -> None:
    """Refused, and told the nearest."""
    row.fields["CF_CFLB"] = "行政罚款"
    row.becomes("refused", ("bad_code", "CF_CFLB"))


def an_end_that_is_none(row: Row, _by: By) -> None:
    """Refused, and told how an open end is written."""
    row.fields["CF_YXQ"] = "见附件"
    row.becomes("refused", ("bad_end_date", "CF_YXQ"))


def filler_for_the_decision(row: Row, by: By) -> None:
    """Refused: what was decided on the spot has no number, and its next one would take its place."""
    row.fields["CF_WSH"] = by.random.choice(("当场处罚", "详见附件1", "— —"))
    row.becomes("refused", ("decision_filler", "CF_WSH"))


def hidden_decision(row: Row, _by: By) -> None:
    """Refused: the running number is hidden."""
    row.fields["CF_WSH"] = "示建执罚〔2026〕✱✱号"
    row.becomes("refused", ("decision_filler", "CF_WSH"))


def floating_decision(row: Row, _by: By) -> None:
    """Refused: a long number that a spreadsheet has shortened."""
    row.fields["CF_WSH"] = "2.02600E+11"
    row.becomes("refused", ("number_computed", "CF_WSH"))


def floating_registration(row: Row, _by: By) -> None:
    """Refused: the same of a trader's number, as another country writes it."""
    row.fields |= {"CF_XDR_SHXYM": USCC_PLACEHOLDER, "CF_XDR_GSZC": "9,90001E+14"}
    row.becomes("refused", ("number_computed", "CF_XDR_GSZC"))


def filler_for_the_registration(row: Row, by: By) -> None:
    """Refused: everybody without a number would be one trader."""
    row.fields |= {"CF_XDR_SHXYM": USCC_PLACEHOLDER, "CF_XDR_GSZC": by.random.choice(("无", "详见决定书", "#N/A"))}
    row.becomes("refused", ("number_filler", "CF_XDR_GSZC"))


def hidden_digits(row: Row, by: By) -> None:
    """Refused: another site had hidden them."""
    number, mark = row.fields["CF_XDR_ZJHM"], by.random.choice("*●×＊")
    row.fields["CF_XDR_ZJHM"] = number[:6] + mark * 8 + number[14:]
    row.becomes("refused", ("number_masked", "CF_XDR_ZJHM"))


def filler_for_the_passport(row: Row, _by: By) -> None:
    """Refused: a word in place of a foreigner's number."""
    row.fields |= {"CF_XDR_ZJLX": "护照", "CF_XDR_ZJHM": "无此证"}
    row.becomes("refused", ("number_filler", "CF_XDR_ZJHM"))


def a_lost_character(row: Row, _by: By) -> None:
    """Refused: a conversion before this one has lost a character."""
    row.fields["CF_SY"] += "\ufffd"
    row.becomes("refused", ("unreadable_character", "CF_SY"))


def a_number_in_clear(row: Row, _by: By) -> None:
    """Held: the representative's number in a text that is published."""
    row.fields["CF_WFXW"] += f"（负责人身份证号{row.fields['CF_FR_ZJHM']}）"
    row.becomes("held", ("personal_number", "CF_WFXW"))


def nothing_in_columns_nobody_asks_for(row: Row, by: By) -> None:
    """Accepted: marks and words where there is nothing to say, whatever the type of the column."""
    for code in ("CF_XDR_ZZJG", "CF_XDR_ZJLX", "CF_XDR_ZJHM", "CF_NR_WFFF", "CF_GSJZQ", "BZ"):
        row.fields[code] = by.random.choice(("/", "无", "——", "#N/A", "暂无"))


def guarded_texts(row: Row, _by: By) -> None:
    """Accepted: guards around texts, a mark that turns the rest of one around."""
    row.fields |= {"CF_XDR_MC": f'="{row.fields["CF_XDR_MC"]}"', "CF_SY": f"'{row.fields['CF_SY']}"}
    row.fields["CF_WFXW"] = f"\u202e{row.fields['CF_WFXW']}\u202c"


def labelled_numbers(row: Row, by: By) -> None:
    """Accepted: what a number is called, and the copy on which it stood."""
    registration = f"9900006{by.random.randrange(10**8):08d}"
    row.fields |= {"CF_XDR_SHXYM": USCC_PLACEHOLDER, "CF_XDR_GSZC": f"注册号：{registration}-1"}
    row.fields["CF_WSH"] = f"文号：{row.fields['CF_WSH'].replace('〕', '〕№').removesuffix('号')}（行政处罚决定书）"


def other_before_a_listed_kind(row: Row, _by: By) -> None:
    """Accepted: what stands behind 其他 is a kind of its own."""
    row.fields["CF_CFLB"] = "其他-责令改正、警告、罚款"


def a_kind_with_a_remark(row: Row, _by: By) -> None:
    """Refused: behind 其他, a listed kind with something in brackets."""
    row.fields["CF_CFLB"] = "其他（责令改正）、吊销许可证件（甲）"
    row.becomes("refused", ("bad_code", "CF_CFLB"))


def nothing_for_a_text(row: Row, by: By) -> None:
    """Refused: the facts stand elsewhere."""
    row.fields["CF_SY"] = by.random.choice(("详见决定书", "#REF!", "/"))
    row.becomes("refused", ("filler", "CF_SY"))


def hidden_name(row: Row, by: By) -> None:
    """Refused: a name as another site shows it."""
    row.fields["CF_XDR_MC"] = row.fields["CF_XDR_MC"][:1] + by.random.choice(("**", "××", "○○"))
    row.becomes("refused", ("name_masked", "CF_XDR_MC"))


def a_day_for_the_decision(row: Row, by: By) -> None:
    """Refused: two decisions of a day, a year or a page would be one record."""
    row.fields["CF_WSH"] = by.random.choice((row.fields["CF_JDRQ"], "2026年度", "第2页", "5月11日"))
    row.becomes("refused", ("decision_filler", "CF_WSH"))


def what_may_be_a_day_for_the_decision(row: Row, by: By) -> None:
    """Held: five digits may be a day as a spreadsheet counts it, or the number of a body that numbers on."""
    row.fields["CF_WSH"] = str(by.random.randrange(45_000, 46_000))
    row.becomes("held", ("decision_day", "CF_WSH"))


def yuan_without_a_word(row: Row, by: By) -> None:
    """Held: the fine in 元 in text and field, and the text has no 元 either."""
    row.fields |= {"CF_NR_FK": "2000", "CF_NR": by.random.choice(("处以罚款￥2,000.00", "罚款2000", "罚款贰仟"))}
    row.becomes("held", ("fine_unit", "CF_NR_FK"))


def a_mobile_number_in_parts(row: Row, _by: By) -> None:
    """Held: a mobile number with marks that nobody sees in it, in a text that is published."""
    row.fields["CF_WFXW"] += "（联系电话138\u2060 001\u202d 38000）"
    row.becomes("held", ("personal_number", "CF_WFXW"))


SOILS: tuple[tuple[Soil, SubjectKind], ...] = (
    (guarded, "organisation"),
    (look_alike, "organisation"),
    (days_in_words, "organisation"),
    (an_instant_elsewhere, "organisation"),
    (an_amount_twice, "organisation"),
    (an_amount_in_ten_thousands, "sole_trader"),
    (other_spellings, "organisation"),
    (a_value_near_another, "organisation"),
    (an_end_that_is_none, "natural_person"),
    (filler_for_the_decision, "organisation"),
    (hidden_decision, "natural_person"),
    (floating_decision, "organisation"),
    (floating_registration, "sole_trader"),
    (filler_for_the_registration, "sole_trader"),
    (hidden_digits, "natural_person"),
    (filler_for_the_passport, "natural_person"),
    (a_lost_character, "organisation"),
    (a_number_in_clear, "organisation"),
    (nothing_in_columns_nobody_asks_for, "organisation"),
    (guarded_texts, "organisation"),
    (labelled_numbers, "sole_trader"),
    (other_before_a_listed_kind, "organisation"),
    (a_kind_with_a_remark, "organisation"),
    (nothing_for_a_text, "organisation"),
    (hidden_name, "natural_person"),
    (a_day_for_the_decision, "organisation"),
    (what_may_be_a_day_for_the_decision, "organisation"),
    (yuan_without_a_word, "organisation"),
    (a_mobile_number_in_parts, "organisation"),
)


def typed(people: Town, item: Item, party: Party) -> Exported:
    """The file: two rows of each kind of dirt."""
    random, rows = Random(SEED), []
    for order, (soil, kind) in enumerate(SOILS * 2, 1):
        row = _row(random, people, party, kind, order)
        soil(row, By(PENALTY, random, party.uscc))
        row.dirt = soil.__name__
        rows.append(row)
    return Exported(
        name="penalties-typed.csv", item=item, party=party, rows=rows, encoding="utf-8", lines=_table(item, rows)
    )


def _table(item: Item, rows: list[Row]) -> list[bytes]:
    text, codes = io.StringIO(), [spec.code for spec in item.fields]
    table = csv.writer(text, delimiter="\t", lineterminator="\r")
    table.writerow(_HEADER.get(code, item.field(code).name_zh) for code in codes)
    table.writerows([row.fields.get(code, "") for code in codes] for row in rows)
    return [text.getvalue().encode()]


def _row(random: Random, people: Town, party: Party, kind: SubjectKind, order: int) -> Row:
    decided = BASE - timedelta(days=random.randrange(20, 300))
    number = f"示建执罚〔{decided.year}〕{order}号"
    row = penalties.of(random, people.someone(random, kind), party, number=number, severity="general", decided=decided)
    row.fields |= {"CF_CFLB": "罚款", "CF_NR": "处以罚款人民币2000元。", "CF_NR_FK": "0.2", "CF_NR_ZKDX": ""}
    return row


def _spoken(number: int) -> str:
    tens, ones = divmod(number, 10)
    tens_said = "" if tens < 2 else str(tens).translate(_HAN)
    return f"{tens_said}{'十' if tens else ''}{str(ones).translate(_HAN) if ones else ''}"
