"""Files of rows: never is the end of one row taken for another's, and whatever is not read is said."""

import csv
import io
import re
import sys
import tracemalloc
from collections.abc import Sequence
from itertools import cycle, permutations
from pathlib import Path
from random import Random

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from creditmesh.ingestion.formats import tables
from creditmesh.schemas.files import Encoding, Table, encoding, encoding_of, foreign, lines_of, rows_of
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.rules.headers import Columns
from tests.ingestion.rows import compiled

WIDTH = 5
CODES = ("FROM", "B", "C", "TO", "E")
HEADER = ",".join(CODES) + "\n"
COLUMNS = Columns(CODES, ())


class FieldCodes:
    """The names of an item whose fields have no others."""

    def known(self, cells: Sequence[str]) -> int:
        return sum(cell in CODES for cell in cells)


def read(body: bytes, columns: Columns = COLUMNS) -> list[dict[str, str] | str]:
    """The rows, or the codes of their refusals."""
    found = (row.text for row in rows_of(Table.of(body, names=FieldCodes()), columns))
    return [text.code if isinstance(text, FieldError) else orjson.loads(text) for text in found]


def written(
    rows: list[list[str]], *, delimiter: str = ",", ending: str = "\r\n", quoting: int = csv.QUOTE_MINIMAL
) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=quoting).writerows(rows)
    return text.getvalue()


DIRT = st.text(st.sampled_from('x",;\n\r 罚'), max_size=5)
ROWS = st.lists(st.tuples(DIRT, DIRT, DIRT), min_size=2, max_size=5)


def marked(rows: list[tuple[str, str, str]]) -> list[list[str]]:
    """Rows that say at both ends which they are."""
    return [[f"from{n}", b, c, f"to{n}", e] for n, (b, c, e) in enumerate(rows)]


def assert_none_joined(rows: list[dict[str, str] | str]) -> None:
    for row in rows:
        if isinstance(row, dict) and {"FROM", "TO"} <= set(row):
            begun, ended = re.findall(r"from(\d)", row["FROM"]), re.findall(r"to(\d)", row["TO"])
            assert not begun or not ended or begun[0] == ended[-1], row


WAYS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([",", "\t", ";"]),
        "ending": st.sampled_from(["\n", "\r\n", "\r"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    }
)
BYTES = st.sampled_from([b"", b'"', b'""', b"\n", b"\r", b"\xb8", b"\xff"])


@given(
    ROWS,
    WAYS,
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
    st.lists(st.tuples(st.integers(0, 400), BYTES), max_size=6),
)
@example([("", "", ""), ("", '"', "")], {"delimiter": ",", "ending": "\n", "quoting": csv.QUOTE_MINIMAL}, "utf-8", [])
@settings(max_examples=400)
def test_no_two_rows_are_ever_read_as_one(rows, way, encoding, damage):
    body = written(marked(rows), **way).encode(encoding)
    for place, put in damage:
        cut = place % (len(body) + 1)
        quotes = [found.start() for found in re.finditer(b'"', body)]
        if put or not quotes:
            body = body[:cut] + put + body[cut:]
        else:
            lost = quotes[place % len(quotes)]
            body = body[:lost] + body[lost + 1 :]
    header = way["delimiter"].join(CODES) + way["ending"]
    assert_none_joined(read(header.encode() + body))


@given(
    st.integers(2, 6),
    st.tuples(st.integers(0, 5), st.integers(0, 3)),
    st.tuples(st.integers(0, 5), st.integers(0, 3)),
    st.tuples(
        st.sampled_from([",", "\t", ";"]), st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=1, max_size=3)
    ),
    st.sampled_from(["utf-8", "gb18030"]),
)
@example(2, (0, 1), (1, 1), (",", ["\n", "\r"]), "utf-8")
@settings(max_examples=400)
def test_a_quote_that_opens_in_one_row_and_one_that_closes_in_another_join_none(many, opens, closes, way, encoding):
    delimiter, endings = way
    rows = [[f"from{n}", "罚款", "警告", f"to{n}", "示例"] for n in range(many)]
    (first, left), (last, right) = opens, closes
    rows[first % many][left] = '"' + rows[first % many][left]
    rows[last % many][right] += '"'
    lines = zip([list(CODES), *rows], cycle(endings), strict=False)
    body = "".join(delimiter.join(row) + ending for row, ending in lines).encode(encoding)
    assert_none_joined(read(body))


@given(
    st.integers(3, 8),
    st.sampled_from(["utf-8", "gb18030"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(0, 7),
    st.sampled_from([b"\x80", b"\xff", b"\xb8"]),
)
def test_broken_bytes_cost_their_own_row_alone_and_are_told_by_its_line(many, encoding, ending, which, broken):
    rows = [[f"from{n}", "罚款", "警告", f"to{n}", "示例有限公司"] for n in range(many)]
    lines = [written([row], ending=ending).encode(encoding) for row in [list(CODES), *rows]]
    place = 1 + which % many
    lines[place] = lines[place].replace(b",", broken + b",", 1)
    found = list(rows_of(Table.of(b"".join(lines), names=FieldCodes()), COLUMNS))
    assert [row.line for row in found] == list(range(2, many + 2))
    assert [row.line for row in found if isinstance(row.text, FieldError)] == [place + 1]


@given(ROWS, st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from([",", "\t", ";"]))
@settings(max_examples=200)
def test_what_a_writer_writes_is_read_or_refused_and_never_something_else(rows, ending, delimiter):
    made = marked(rows)
    quoting = csv.QUOTE_MINIMAL if ending == "\r\n" else csv.QUOTE_ALL
    text = written([list(CODES), *made], delimiter=delimiter, ending=ending, quoting=quoting)
    table = Table.of(text.encode(), names=FieldCodes())
    assert table.delimiter == delimiter
    sent = [{code: cell for code, cell in zip(CODES, row, strict=True) if cell} for row in made]
    got = [row for row in read(text.encode()) if isinstance(row, dict) and "TO" in row]
    assert all(row in sent for row in got)
    plain = [row for row in sent if not re.search('[\r\n"]', "".join(row.values()))]
    assert [row for row in got if row in plain] == plain


TWO = 'A,"给予警告，处以罚款2000元,x,1,\nB,"处以罚款3000元",y,2,\n'


@pytest.mark.parametrize(
    ("text", "want"),
    [
        # A cell begins with a quote and does not end; the next row quotes the same column.
        (TWO, ["malformed_row", "B"]),
        # The next row has a stray quote where the first one's text would end: by the letter of RFC 4180 it is one row.
        ('A,"罚款,x,1,\nB,警告",y,2,\nC,z,x,3,\n', ["malformed_row", "malformed_row", "C"]),
        ('A,"罚款\nB,警告",y,2,\nC,z,x,3,\n', ["malformed_row", "malformed_row", "C"]),
        ('A,"某某"牌,x,1,\nB,,y,2,\n', ["malformed_row", "B"]),
        ('A,生产"某某"牌食品,x,1,\n', ["A"]),
        ('A,标价3",x,1,\n', ["malformed_row"]),
        ('A,"说""好""",x,1,\n', ["A"]),
        ('A,"第一行\n第二行",x,1,\nB,,y,2,\n', ["A", "B"]),
        ('A,x,y,1,"备注一\n备注二"\nB,,y,2,\n', ["A", "B"]),
        ('A,"endless,x,1,\nB,,y,2,\nC,,z,3,\n', ["malformed_row", "B", "C"]),
        ("A,x,1\rB,x,y,2,\nC,,z,3,\n", ["malformed_row", "C"]),
        ('A,"罚款\rB,警告",y,2,\nC,z,x,3,\n', ["malformed_row", "C"]),
        ('A,"第一行\r第二行",x,1,\nB,,y,2,\n', ["A", "B"]),
    ],
)
def test_a_broken_quote_is_its_own_rows_fault(text: str, want: list[str]):
    assert [row if isinstance(row, str) else row["FROM"] for row in read((HEADER + text).encode())] == want


def test_a_row_is_known_by_the_line_it_begins_in():
    text = "\n某表,,,,\n" + HEADER + '\nA,"一\n二",x,1,\n,,,,\nB,,y,2,\n'
    table = Table.of(text.encode(), names=FieldCodes())
    assert (table.above, table.header.line) == ((2,), 3)
    assert [row.line for row in rows_of(table, COLUMNS)] == [5, 8]


@pytest.mark.parametrize(
    "above",
    ["示例市行政处罚信息公示表\n", "某局,,,,填报人\n\n", "sep=,\n", '"两行\n标题",,,,\n填报单位：某局,2026年11月\n'],
)
def test_a_title_above_the_header_is_no_header_and_is_told(above: str):
    table = Table.of((above + HEADER + "A,x,y,1,z\n").encode(), names=FieldCodes())
    assert tuple(table.header.cells) == CODES
    assert table.above[0] == 1


MARKS = st.text(st.sampled_from(",;\t"), min_size=1, max_size=40)


@given(st.sampled_from(",;\t"), st.integers(0, WIDTH - 1), MARKS, st.integers(0, 3))
def test_no_cell_decides_the_delimiter_of_the_file(delimiter: str, place: int, marks: str, above: int):
    row = list("abcde")
    row[place] = f"x{marks}y"
    rows = [*[["示例市公示表"]] * above, list(CODES), row, list("12345"), list("67890")]
    table = Table.of(written(rows, delimiter=delimiter).encode(), names=FieldCodes())
    assert (table.delimiter, tuple(table.header.cells), len(table.above)) == (delimiter, CODES, above)
    assert next(list(record.cells) for record in table.records()) == row


def test_a_row_of_instructions_is_no_header():
    body = "如实填写," * WIDTH + "\n" + HEADER + "A,x,y,1,z\n"
    assert tuple(Table.of(body.encode(), names=FieldCodes()).header.cells) == CODES


def test_the_first_record_that_is_mostly_names_is_the_header_and_no_row_is_lost_to_a_fuller_one_below():
    body = "示例市公示表\nFROM,TO,号\nA,1,x\n" + HEADER + "B,x,y,2,z\n"
    table = Table.of(body.encode(), names=FieldCodes())
    assert (table.header.line, table.above) == (2, (1,))
    assert [record.line for record in table.records()] == [3, 4, 5]


@pytest.mark.parametrize("row", ["A;B\tC", "A\t\n", ";;;", '"x;y"'])
def test_one_name_is_enough_for_a_header_and_its_rows_decide_no_delimiter(row: str):
    table = Table.of(f"表\nFROM\n{row}\n{row}\n".encode(), names=FieldCodes())
    assert (table.delimiter, list(table.header.cells)) == (",", ["FROM"])


def test_where_nothing_is_a_name_the_fullest_record_stands_where_the_header_should():
    table = Table.of("示例表\n甲;乙;丙\n1;2;3\n".encode(), names=FieldCodes())
    assert (table.delimiter, table.header.line) == (";", 2)


@pytest.mark.parametrize("tail", [",,,,\n", " , ,\u3000,\t,\n", "\n\r\n", "\x1a", "\n\x1a\r\n", "\u3000\n"])
def test_a_row_that_says_nothing_is_none(tail: str):
    assert len(read((HEADER + "A,x,y,1,z\n" + tail).encode())) == 1


def test_cells_missing_at_the_end_are_empty_and_cells_too_many_are_not_dropped():
    body = HEADER + "A,x,y,1\nB,x,y,2,,,\nC,x,y,3,z,w\n" + HEADER
    assert read(body.encode()) == [
        {"FROM": "A", "B": "x", "C": "y", "TO": "1"},
        {"FROM": "B", "B": "x", "C": "y", "TO": "2"},
        "malformed_row",
        "header_again",
    ]


NAMES = "示例甲乙商贸有限公司,示例丙丁物流有限公司,示例戊己建材有限公司,4,\n"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("broken", [b"\xe5\x8f(", b"\xe5\x8fa", b"\xe5"])
def test_a_broken_character_refuses_its_row_and_never_makes_utf8_gb18030(mark: bytes, broken: bytes):
    for rows in (1, 2, 3):
        lines = [NAMES.encode()] * (rows - 1) + [NAMES.encode().replace("司".encode(), broken, 1)]
        body = mark + HEADER.encode() + b"".join(lines)
        assert encoding_of(body)[0] == "utf-8"
        assert [row for row in read(body) if isinstance(row, str)] == ["bad_encoding"]
    assert [row for row in read(body) if isinstance(row, dict)] != []


@pytest.mark.parametrize("broken", [b"\xb8,", b"\x80,", b"\xff,"])
def test_a_broken_character_of_gb18030_refuses_its_row_alone(broken: bytes):
    good = NAMES.encode("gb18030")
    body = HEADER.encode() + good * 3 + good.replace(b",", broken, 1) + good
    assert encoding_of(body)[0] == "gb18030"
    assert ["bad_encoding" if row == "bad_encoding" else "read" for row in read(body)] == ["read"] * 3 + [
        "bad_encoding",
        "read",
    ]


@given(st.lists(st.sampled_from(["utf-8", "gb18030"]), min_size=1, max_size=9))
def test_of_a_file_in_two_encodings_the_rows_of_one_are_read_and_the_others_refused(each):
    rows = [NAMES.replace("4", str(n)) for n in range(len(each))]
    body = HEADER.encode() + b"".join(row.encode(encoding) for row, encoding in zip(rows, each, strict=True))
    found, known = read(body), encoding_of(body)[0]
    want = [
        row.split(",")[0] if encoding == known else "bad_encoding" for row, encoding in zip(rows, each, strict=True)
    ]
    assert [row if isinstance(row, str) else row["FROM"] for row in found] == want
    assert [row for row in read(body, COLUMNS) if row != "bad_encoding"]


def test_utf8_that_is_said_to_be_gb18030_is_not_stored_as_other_characters():
    table = Table.of((HEADER + NAMES).encode(), "gb18030", names=FieldCodes())
    assert [row.text.code for row in rows_of(table, COLUMNS) if isinstance(row.text, FieldError)] == ["bad_encoding"]


def test_a_byte_order_mark_outranks_what_is_said():
    assert encoding_of("\ufeff甲".encode(), "gb18030") == ("utf-8", 3)
    assert encoding_of("\ufeff甲".encode("gb18030"), "utf-8") == ("gb18030", 4)
    assert encoding_of("甲".encode("gb18030")) == ("gb18030", 0)
    assert encoding_of(b"A,B\n1,2\n") == ("utf-8", 0)


@pytest.mark.parametrize(
    ("body", "want"),
    [
        (b"a\nb\n", [b"a\n", b"b\n"]),
        (b"a\r\r\nb", [b"a\r\r\n", b"b"]),
        (b"a\rb\r", [b"a\r", b"b\r"]),
        (b'"a\nA"\rb\nc\r', [b'"a\n', b'A"\r', b"b\n", b"c\r"]),
        (b'"\rb"\nc', [b'"\rb"\n', b"c"]),
    ],
)
def test_the_first_line_end_outside_quotes_is_the_files(body: bytes, want: list[bytes]):
    got = [body[start:stop] for _, start, stop in lines_of(body)]
    assert got == want or body.startswith(b'"a')
    assert b"".join(got) == body


def test_the_rows_of_a_table_hold_about_what_their_texts_have():
    table = Table.of((HEADER + "x,y,z,a,b\n" * 5000).encode(), names=FieldCodes())
    tracemalloc.start()
    rows = list(rows_of(table, COLUMNS))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 3 * sum(sys.getsizeof(row.text) for row in rows)


NAMES_WRITTEN = {
    "big5": "示例貿易有限公司,華東建材股份有限公司,龍興食品廠,城關鎮紅星商店\n",
    "shift_jis": "示例貿易株式会社,とうきょう食品カンパニー,有限会社サンプル\n",
    "euc_kr": "예시무역주식회사,한국건설유한회사,서울식품공장,부산상점\n",
    "euc_jp": "示例貿易株式会社,とうきょう食品カンパニー,有限会社サンプル\n",
}


def is_doubtful(text: str, encoding: str, said: Encoding | None = None) -> bool:
    return Table.of((HEADER + text).encode(encoding, "ignore"), said, names=FieldCodes()).is_doubtful


@pytest.mark.parametrize("encoding", NAMES_WRITTEN)
def test_another_encoding_is_not_taken_for_chinese(encoding: str):
    assert is_doubtful(NAMES_WRITTEN[encoding] * 3, encoding)
    assert not is_doubtful(NAMES_WRITTEN[encoding], encoding, "gb18030"), "who says so is believed"


PENALTIES = (Path(__file__).parents[2] / "samples" / "penalties.csv").read_text(encoding="utf-8-sig")
KANJI = (
    "山田商店鈴木工業東京都千代田区丸内一丁目合同会社佐藤郎高橋花子中食品株式村建設小林運輸渡辺製作所伊電機加医院吉薬局大阪市北"
    "梅行政処分務停止命令衛生法違反営許可取消罰金平成三十年国土交通省愛知県名古屋神奈川横浜福岡海道札幌代表締役松本清井上木森池"
)
CYRILLIC = "Общество с ограниченной ответственностью Ромашка, Москва, Сидорович Пётр, ДОЛГ ШТРАФ ЮГ ЭХО ЦЖЪЫ хфэюъщ"


@pytest.mark.parametrize("encoding", ["big5", "shift_jis", "euc_jp"])
def test_a_file_of_penalties_in_another_encoding_is_not_taken_for_chinese(encoding: str):
    assert is_doubtful(PENALTIES, encoding)


@pytest.mark.parametrize(("text", "encoding"), [(KANJI, "euc_jp"), (CYRILLIC * 2, "cp1251"), (CYRILLIC, "koi8_r")])
def test_other_scripts_are_not_taken_for_chinese(text: str, encoding: str):
    assert is_doubtful(text, encoding)


PEOPLE = {
    "uyghur": "阿卜杜热西提·吐尔逊 古丽巴哈尔·艾尼瓦尔 麦麦提图尔荪·喀迪尔 "
    "帕提古丽·赛买提 艾尔肯·阿卜杜拉 热依汗古丽·麦提敏 努尔麦麦提·伊敏",
    "tibetan": "次仁卓玛 扎西顿珠 洛桑旦增 格桑曲珍 尼玛次仁 达瓦卓嘎 边巴多吉 索朗旺堆 强巴拉姆 嘎玛群培",
    "mongol": "巴特尔 乌云其木格 斯琴高娃 额尔敦巴雅尔 苏日娜 其其格 哈斯额尔德尼 敖特根 宝音德力格尔 娜仁托娅",
    "yi": "阿木惹伍加 吉克曲布 沙马拉且 海来木呷 阿尔木牛 吉木阿依 马海尔布 勒格史日 罗洪伍合",
    "rare": "龚娅婷 覃琬瑜 蒙娜 闫琪 邬晓倩 阮筱 翟璐 裴馨怡 尹悦 侯雯 邵鹏 熊磊 秦旭 阎峰 潘婕 姚瑶 禤翀 欧阳赟",
    "common": "王芳 李娜 张敏 刘静 陈婷 杨艳 赵娟 黄霞 周丽 吴玲 徐燕 孙萍 胡倩 朱颖 林琳 彭雪",
    "traditional": "陳麗華 張國榮 趙麗穎 劉德華 楊過 鄭伊健 葉問 龍劍笙 關之琳 譚詠麟 羅文 許冠傑",
}


@pytest.mark.parametrize("who", PEOPLE)
def test_names_of_people_alone_are_chinese(who: str):
    """Of a few rare names by chance are not, one file in thirty: then the remedy names the charset."""
    names = PEOPLE[who].split()
    assert not is_doubtful("\n".join(names), "gb18030")
    assert not any(is_doubtful("\n".join(each), "gb18030") for each in permutations(names, 2))
    some = [Random(seed).sample(names, k=1 + seed % len(names)) for seed in range(400)]
    assert sum(is_doubtful("\n".join(each), "gb18030") for each in some) <= 20


@pytest.mark.parametrize(
    "text",
    [
        "示例贸易有限公司,华东建材股份有限公司,城关镇红星商店\n",
        "欧阳翀,龚赟,覃瑶,禤某,赵六,钱七,孙八,周九\n",
        "因逾期未缴纳罚款，责令停止违法行为，处以罚款2000元。\n",
        "龘\n",
        "plain,text\n",
        PENALTIES,
    ],
)
def test_what_departments_write_in_gb18030_is_chinese(text: str):
    assert not is_doubtful(text, "gb18030")


def test_of_a_file_without_a_stated_encoding_the_bytes_are_looked_through_once(monkeypatch):
    body, looked = PENALTIES.encode(), []
    look = encoding.looked_through
    monkeypatch.setattr(encoding, "looked_through", lambda text: looked.append(len(text)) or look(text))
    next(tables.read(body, encoding=None, names=compiled().names)[1])
    assert looked.count(len(body)) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n", "empty"),
        (b"PK\x03\x04...", "xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...", ".xls"),
        (b"\x1f\x8b\x08...", "gzip"),
        (b"%PDF-1.7", "PDF"),
        (b"<html><table>", "web page"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>', "XML"),
        ("文号,名称\n".encode("utf-16"), "UTF-16"),
        ("文号,名称\n".encode("utf-16-le"), "UTF-16"),
        ("文号,名称\n".encode("utf-32"), "UTF-32"),
        ("文号,名称\n".encode("utf-32-be"), "UTF-16 or not a text"),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n<html>", ".mht"),
        (b"From: <Saved by Excel>\r\nSubject: x\r\nMIME-Version: 1.0\r\n", ".mht"),
        (
            b"From: <Saved by Excel>\r\nSubject: =?gb2312?B?yL4=?=\r\n =?gb2312?B?yL4=?=\r\nMIME-Version: 1.0\r\n",
            ".mht",
        ),
        (b"{\\rtf1\\ansi\\ansicpg936 text}", "RTF"),
        (b"ID;PWXL;N;E\r\nP;PGeneral\r\n", "SYLK"),
        (b"TABLE\r\n0,1\r\n", "DIF"),
        (PENALTIES.encode().decode("latin-1").encode(), "wrong encoding"),
        (PENALTIES.encode().decode("cp1252", "replace").encode(), "wrong encoding"),
        (PENALTIES.encode().decode("gbk", "ignore").encode(), "wrong encoding"),
        (PENALTIES.encode().decode("gb18030", "replace").encode(), "wrong encoding"),
        *(
            (PENALTIES.encode(was).decode(read, "replace").encode(), "wrong encoding")
            for was, reads in {
                "utf-8": ("latin-1", "cp1252", "cp1251", "mac_roman"),
                "gb18030": ("latin-1", "cp1252", "cp1251", "mac_roman", "cp949", "big5"),
            }.items()
            for read in reads
        ),
    ],
)
def test_what_is_no_table_is_told_by_what_it_is(body: bytes, said: str):
    found = foreign(body)
    assert found is not None
    assert said in found.detail
    assert found.detail_zh
    assert foreign(HEADER.encode()) is None


@pytest.mark.parametrize(
    "body",
    [
        PENALTIES.encode(),
        PENALTIES.encode("gb18030"),
        (PENALTIES[:4000] + PENALTIES[:900].encode().decode("latin-1")).encode(),
        "CF_XDR_MC,BZ\nSociété Générale à responsabilité limitée,château façade Müller Größe\n".encode() * 9,
        "编号,尺寸\n1,1830×915×1200·25°\n".encode() * 9,
        *(
            (f"CF_XDR_MC,BZ\n{text}\n" * 9).encode()
            for text in (
                "Общество с ограниченной ответственностью «Пример»,Қазақстан Республикасы щёлочь Бёртон",
                "주식회사 예시 무역 관리 품질 향상 서울특별시 강남구,행정처분 결정 통지서",
                "範例貿易有限公司,逾期未繳納罰款，責令停止違法行為，處以罰款貳仟元整，臺北市松山區",
                "見本貿易株式会社,期限内に罰金を納付しなかったため違反行為の停止を命じる",
                "Công ty trách nhiệm hữu hạn thương mại ví dụ,Số quyết định xử phạt vi phạm",
                "示例贸易有限公司,逾期未缴纳罚款，责令停止违法行为，处以罚款2000元。",
            )
        ),
        b"ID;PWD,Content-Type: x\n1,2\n",
        b"ID;P\n1;2\n",
        b"TABLE\n1\n",
    ],
)
def test_a_table_is_not_taken_for_something_else(body: bytes):
    assert foreign(body) is None
