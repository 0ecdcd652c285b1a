"""Writes docs/reference/catalogue.md: what is shipped, which paragraph asks for it, and what is not covered, and why.

`python -m tests.support.catalogue_page`; `make docs` does it, and a test compares.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from creditmesh.catalogue.objects import CatalogueObject
from creditmesh.schemas.catalogue import CreditList, Item, Matter, Measure
from tests.support.demands import Paragraph, nationally, paragraphs, places_of, table, whole

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "catalogue.md"
CLASSES = (
    "登记注册基本信息",
    "司法裁判及执行信息",
    "行政管理信息",
    "职称和职业信息",
    "经营（活动）异常名录（状态）信息",
    "严重失信主体名单信息",
    "合同履行信息",
    "信用承诺及履行情况信息",
    "信用评价结果信息",
    "遵守法律法规情况信息",
    "诚实守信相关荣誉信息",
    "知识产权信息",
    "经营主体自愿提供的信用信息",
)
"""The thirteen classes of the national catalogue, in its order."""
_GROUNDS = {
    "health_and_life": "一、危害健康和生命安全",
    "market_and_social_order": "二、破坏市场和社会秩序",
    "refusing_legal_duty": "三、拒不履行法定义务",
    "refusing_defence_duty": "四、拒不履行国防义务",
    None: "",
}
_SHORT = {"state_council": "98号", "wuhu": "芜湖", "shenzhen": "深圳", "jilin": "吉林", "zhangzhou": "漳州"}
_HEAD = """# The catalogue that is shipped / 随附目录

What comes with this version, class by class, with the paragraphs that ask for it; then the notices paragraph by
paragraph, and what is not covered, with the reason. Written from the catalogue's data and from
`tests/catalogue/demands.yaml` by `make docs`.

`creditmesh-node catalogue load` publishes what a sandbox's story needs (marked •), on a sandbox `--whole` all of it;
the clocks of Shenzhen are laid over it by `--place shenzhen`. Most of it rests on texts that nobody has compared: on a
node that is no sandbox, which loads of the rest what it has confirmed, nothing of such an item is collected or shown,
such a list or measure applies to nobody and such a matter is no ground, before somebody has
([what is unverified](../guide/catalogue.md#what-is-unverified)).

默认发布标有 • 的部分，沙箱可用 `--whole` 发布全部，其他节点仅加载已自行核实的部分。
非沙箱节点上，未核实的条目不归集、不展示，未核实的名单和奖惩措施不适用，未核实的事项不作为查询依据。
"""


def page(base: frozenset[tuple[str, str]]) -> str:
    """The page; `base`: kind and code of what a sandbox takes."""
    parts = [_HEAD, *_items(base), *_lists(base), *_measures(base), *_matters(base), *_notices(), *_gaps()]
    return "\n".join(parts)


def _items(base: frozenset[tuple[str, str]]) -> Iterator[str]:
    items = sorted(_of(Item), key=lambda entry: (CLASSES.index(entry.body.record_class), entry.code))
    for name, group in groupby(items, key=lambda entry: entry.body.record_class):
        yield f"\n## {CLASSES.index(name) + 1}. {name}\n"
        yield "| item | 条目 | about | disclosure (persons) | shown | list | asked for by |"
        yield "|---|---|---|---|---|---|---|"
        for entry in group:
            item = entry.body
            assert isinstance(item, Item)
            persons = f" ({item.disclosed('natural_person')})" if "natural_person" in item.kinds else ""
            shown = f"{item.display.months} months" if item.display.months else item.display.by
            cells = (
                _code(entry, base),
                item.name_zh,
                ", ".join(item.kinds),
                f"{item.disclosure}{persons}",
                shown,
                item.designates or "",
            )
            yield _row(*cells, _asked(entry))


def _lists(base: frozenset[tuple[str, str]]) -> Iterator[str]:
    yield "\n## Lists / 名单\n"
    yield "| list | 名单 | colour | kind of conduct | standard | asked for by |\n|---|---|---|---|---|---|"
    for entry in _of(CreditList):
        found = entry.body
        assert isinstance(found, CreditList)
        cells = (found.name_zh, found.colour, _GROUNDS[found.ground], found.standard or found.exit)
        yield _row(_code(entry, base), *cells, _asked(entry))


def _measures(base: frozenset[tuple[str, str]]) -> Iterator[str]:
    yield "\n## Measures / 奖惩措施\n"
    yield "| measure | 措施 | nature | lists | matters | asked for by |\n|---|---|---|---|---|---|"
    for entry in _of(Measure):
        found = entry.body
        assert isinstance(found, Measure)
        cells = (found.name_zh, found.nature, _some(found.lists), _some(found.matters))
        yield _row(_code(entry, base), *cells, _asked(entry))


def _matters(base: frozenset[tuple[str, str]]) -> Iterator[str]:
    yield "\n## Matters / 事项\n"
    yield "| matter | 事项 | measures | items it reads | asked for by |\n|---|---|---|---|---|"
    for entry in _of(Matter):
        found = entry.body
        assert isinstance(found, Matter)
        yield _row(_code(entry, base), found.name_zh, _some(found.measures), str(len(found.items)), _asked(entry))


def _notices() -> Iterator[str]:
    reasons = table()["reasons"]
    for name, group in groupby(paragraphs(), key=lambda each: each.notice):
        told = table()["notices"][name]
        yield f"\n## {told['name']}\n\n{told['name_zh']}\n"
        yield "| ¶ | 要求 | answered by | not, or not all |\n|---|---|---|---|"
        for each in group:
            yield _row(each.place, each.asks, _by(each), f"{each.why}" if each.why else "")
    yield "\n| reason | | |\n|---|---|---|"
    yield from (_row(code, said["en"], said["zh"]) for code, said in reasons.items())


def _gaps() -> Iterator[str]:
    yield "\n## Not covered / 未覆盖\n\n| | 中文 | why | 原因 |\n|---|---|---|---|"
    yield from (_row(each["what"], each["zh"], each["why"], each["why_zh"]) for each in table()["gaps"])
    yield ""


def _of(model: type[object]) -> list[CatalogueObject]:
    return [entry for entry in whole() if isinstance(entry.body, model)]


def _code(entry: CatalogueObject, base: frozenset[tuple[str, str]]) -> str:
    return f"`{entry.code}`{' •' if (entry.kind, entry.code) in base else ''}"


def _asked(entry: CatalogueObject) -> str:
    by = [f"{_SHORT[notice]} {place}" for notice, place in places_of(entry)] + nationally(entry)
    return "；".join(by) or ("国家目录分类" if isinstance(entry.body, Item) else "")


def _by(each: Paragraph) -> str:
    return ", ".join(f"`{pattern}`" for pattern in each.by)


def _some(codes: tuple[str, ...]) -> str:
    most = 6
    return ", ".join(codes[:most]) + (f" … ({len(codes)})" if len(codes) > most else "")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def base_of(entries: Iterable[CatalogueObject]) -> frozenset[tuple[str, str]]:
    """Kind and code of each."""
    return frozenset((entry.kind, entry.code) for entry in entries)


def write() -> None:
    """Write the page."""
    from tests.support.shipped import SHIPPED  # noqa: PLC0415 - read only where the page is written

    PAGE.write_text(page(base_of(SHIPPED)), encoding="utf-8")


if __name__ == "__main__":
    write()
