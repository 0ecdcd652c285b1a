"""Chinese words beside the API's names, where people read them: those of the glossary."""

from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from creditmesh.client.cli.say import printable_lines

NAMES: Mapping[str, str] = {
    "accesses": "访问日志",
    "accepted_on": "入库日期",
    "action": "操作",
    "answer": "反馈",
    "as_of": "截至",
    "at": "时间",
    "authorisations": "授权",
    "basis": "依据",
    "bureau": "征信机构",
    "caller": "查询方",
    "case": "案件",
    "change": "变动",
    "code": "代码",
    "code_set": "代码集",
    "copies_at": "上级节点",
    "counts": "各类结果",
    "decided_on": "决定日期",
    "decision_id": "查询编号",
    "detail": "说明",
    "detail_zh": "说明",
    "digest": "摘要",
    "display_from": "公示期自",
    "display_until": "公示期至",
    "due": "期限",
    "evidence": "材料",
    "fields": "内容",
    "filed_on": "提交日期",
    "given_at": "授权时间",
    "id": "编号",
    "issuer": "决定机关",
    "item": "目录条目",
    "items": "目录条目",
    "kind": "类型",
    "lane": "通道",
    "line": "文件行",
    "looked_at": "查看时间",
    "mark": "异议标注",
    "matter": "事项",
    "max_length": "最大长度",
    "max_uses": "可用次数",
    "measure": "奖惩措施",
    "name": "英文名称",
    "name_zh": "名称",
    "nature": "性质",
    "node": "节点",
    "note": "备注",
    "officer": "工作人员",
    "origin": "来源节点",
    "outcome": "结果",
    "overdue": "逾期",
    "party": "参与方",
    "purpose": "用途",
    "reason": "理由",
    "reasons": "原因",
    "record": "信用记录",
    "records": "信用记录",
    "refused_by": "上级拒收",
    "released": "可提供",
    "required": "必填",
    "rev": "版本号",
    "review": "审核编号",
    "revision": "版本标识",
    "row": "行",
    "rows": "行数",
    "since": "自",
    "state": "状态",
    "statement": "陈述",
    "steps": "经过",
    "subject": "信用主体",
    "submission": "报送",
    "task": "任务",
    "total": "总行数",
    "type": "形式",
    "until": "至",
    "url": "地址",
    "use_until": "使用期限",
    "used": "当前",
    "uses": "已用次数",
    "valid_from": "生效日",
    "valid_until": "失效日",
    "verdict": "逐行结果",
    "verdicts": "逐行结果",
    "withheld": "不提供",
}
_WORDS: tuple[Mapping[str, str], ...] = (
    {"released": "已提供", "nothing": "无可提供", "refused": "已拒绝"},
    {
        "active": "有效",
        "not_yet": "未生效",
        "expired": "已过期",
        "used_up": "已用完",
        "revoked": "已撤回",
    },
    {
        "filed": "已提交",
        "returned": "待补正",
        "accepted": "已受理",
        "approved": "已准予",
        "refused": "不予办理",
        "appealed": "复核中",
        "closed": "已办结",
        "revoked": "已撤销准予",
    },
    {
        "published": "已公布",
        "withdrawn": "已撤销",
        "repaired": "已修复",
        "withheld": "暂不展示",
        "erased": "已删除",
    },
    {"held": "待审核", "released": "审核通过", "refused": "审核不通过", "expired": "已过期"},
    {"under_way": "进行中", "done": "已完成"},
    {"open": "待反馈", "answered": "已反馈", "withdrawn": "已撤销", "closed": "已办结"},
    {
        "accepted": "新增",
        "corrected": "已更正",
        "unchanged": "无变化",
        "held": "待审核",
        "refused": "已拒绝",
    },
)
VALUES: Mapping[Any, Mapping[str, str]] = {Literal.__getitem__(tuple(words)): words for words in _WORDS}
"""The words of each kind of value: `accepted` is one thing of a case and another of a row. A kind is known by its
values, for the models that have it take longer to load than one of them to show."""


def headed(name: str) -> str:
    """A name with its Chinese word before it, where it has one."""
    last = name.rpartition(".")[2]
    return f"{NAMES[last]} {name}" if last in NAMES else name


def kind_of(kind: Any, name: str) -> Any:
    """What a member of a model is, of which the word of its value depends; None where nothing is known of it."""
    model = next((each for each in _parts(kind) if isinstance(each, type) and issubclass(each, BaseModel)), None)
    return model.model_fields[name].annotation if model is not None and name in model.model_fields else None


def _parts(kind: Any) -> list[Any]:
    """A kind without what is about it: what an optional one is, and what a tuple is of."""
    if get_origin(kind) in (Union, UnionType, tuple, list):
        return [part for each in get_args(kind) for part in _parts(each)]
    return [kind]


def worded(kind: Any, value: object) -> str:
    """A value of a kind as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    words = next((VALUES[each] for each in _parts(kind) if get_origin(each) is Literal and each in VALUES), {})
    word = words.get(str(value))
    return f"{word} {value}" if word else printable_lines(str(value))
