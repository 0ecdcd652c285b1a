"""`docs/reference/problems.md`: every code that a node answers, what it means and tells to do, from the code."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from creditmesh.catalogue.finding import SoundnessFinding
from creditmesh.chassis.errors import Problem
from creditmesh.node.said import FILLED, calls, given, modules
from creditmesh.schemas.findings import OTHER, RULES
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import REASONS

_HEAD = """# What a node refuses, and why

Written from the code by `python -m creditmesh.node.reference`. A refusal is `application/problem+json` (RFC 9457):
`code` is stable, `title` and `detail` stand in English and Chinese, `errors` names each field at fault, with a code of
its own (`errors[].code`). The OpenAPI document says which route may answer which code (`x-creditmesh-problems`).

拒绝应答为 `application/problem+json`；`code` 稳定不变，各接口可能的代码见 OpenAPI 文档；
`errors` 中每个字段的问题另有代码（`errors[].code`）。

## Refusals of a request

`code` of the answer, with its status. 应答的 `code` 及其状态码。

| status | code | meaning / 含义 | what it says to do / 处理办法 |
|---|---|---|---|
"""
_FIELDS = """
## Codes of a field

What is wrong with one field of a request, of a catalogue or of a row of a peer (`errors[].code`): never `code` of the
answer. Where a field is judged as a row's is, its code is one of the reasons below.
单个字段的问题代码（`errors[].code`），不是应答的 `code`；按行规则判定的字段，其代码见下文的原因代码。

| code | what it says / 说明 |
|---|---|
"""
_REASONS = """
## Reasons of a row, and of an entry

A verdict that is `refused`, `held` or `unchanged` gives reasons (`reasons[].code`), and so does a notice.
逐行结果中的原因代码。

| code | what it says / 说明 |
|---|---|
"""
_MOST = 4
"""Of one code so many texts are shown; a field's own fault is told in `errors`."""
_Texts = dict[tuple[str, str], None]
_HANDED_ON = {
    "creditmesh.chassis.http.problems": "what a model found, under its rule",
    "creditmesh.catalogue.acceptance": "a finding, at its place in what is published",
    "creditmesh.catalogue.operations.peers": "a finding, as an error",
    "creditmesh.catalogue.finding": "whatever is found at a place",
}
"""Where errors are made whose code was read at another place already."""


class UnreadCodeError(Exception):
    """A refusal, or an error of a field, is made in a way that this page cannot read: write its code and texts out."""


def problems_page() -> str:
    """The page as Markdown. UnreadCodeError: it would not be whole."""
    said = _said()
    lines = [_line(status, code, kinds, said) for (status, code), kinds in sorted(_codes().items())]
    fields = [_row(code, texts) for code, texts in sorted(field_codes().items())]
    other = f"| {FILLED} | {_both(*OTHER)} |\n"
    reasons = [_row(code, {(text.detail, text.detail_zh): None}) for code, text in sorted(REASONS.items())]
    return "".join([_HEAD, *lines, _FIELDS, *fields, other, _REASONS, *reasons])


def field_codes() -> Mapping[str, _Texts]:
    """Every `errors[].code` that is no reason of a row, with what is said with it."""
    found: dict[str, _Texts] = defaultdict(dict)
    for code, texts in RULES.items():
        found[code][texts] = None
    for where, code, texts in _errors():
        if FILLED in texts and code not in found:
            raise UnreadCodeError(where, code)
        found[code].setdefault(texts) if FILLED not in texts else None
    return found


def _errors() -> Iterator[tuple[str, str, tuple[str, str]]]:
    names = {FieldError: tuple(FieldError.model_fields), SoundnessFinding: SoundnessFinding._fields}
    for call in calls():
        kind = call.made
        if kind is not FieldError and kind is not SoundnessFinding:
            continue
        for each in given(call, names[kind]):
            code, *texts = (str(each.get(name, FILLED)) for name in ("code", "detail", "detail_zh"))
            if FILLED not in code:
                yield call.module.__name__, code, (texts[0], texts[1])
            elif call.module.__name__ not in _HANDED_ON:
                raise UnreadCodeError(call.module.__name__, call.node.lineno)


def _codes() -> dict[tuple[int, str], list[type[Problem]]]:
    found: dict[tuple[int, str], list[type[Problem]]] = defaultdict(list)
    names = {module.__name__ for module in modules()}
    for kind in sorted(_all(Problem), key=lambda each: (each.__module__, each.__name__)):
        if kind.__module__ in names:
            found[kind.status, kind.code].append(kind)
    return found


def _all(kind: type[Problem]) -> Iterator[type[Problem]]:
    for each in kind.__subclasses__():
        yield each
        yield from _all(each)


def _said() -> dict[type[Problem], _Texts]:
    """The two texts of every place that makes a refusal, by its class."""
    found: dict[type[Problem], _Texts] = defaultdict(dict)
    for call in calls():
        kind = call.made
        if isinstance(kind, type) and issubclass(kind, Problem):
            for each in given(call, ("detail", "detail_zh")):
                texts = (each.get("detail", FILLED), each.get("detail_zh", FILLED))
                if FILLED not in texts:
                    found[kind][str(texts[0]), str(texts[1])] = None
    return found


def _line(status: int, code: str, kinds: list[type[Problem]], said: Mapping[type[Problem], _Texts]) -> str:
    titles = dict.fromkeys(f"{kind.title}<br>{kind.title_zh}" for kind in kinds)
    texts: _Texts = {each: None for kind in kinds for each in (*_remedy(kind), *kind.says, *said.get(kind, ()))}
    if not texts:
        raise UnreadCodeError(kinds[0].__module__, code)
    return f"| {status} | `{code}` | {'<br>'.join(titles)} | {_shown(texts)} |\n"


def _remedy(kind: type[Problem]) -> list[tuple[str, str]]:
    return [(kind.remedy, kind.remedy_zh)] if kind.remedy else []


def _row(code: str, texts: _Texts) -> str:
    return f"| `{code}` | {_shown(texts)} |\n"


def _shown(texts: _Texts) -> str:
    shown = [_both(*each) for each in texts]
    return "<br>".join([*shown[:_MOST], *([FILLED] if len(shown) > _MOST else [])])


def _both(text: str, text_zh: str) -> str:
    return f"{_cell(text)}<br>{_cell(text_zh)}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
