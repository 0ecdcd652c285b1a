"""Chinese words beside the API's names, where people read them."""

from collections.abc import Mapping

_NAMES: Mapping[str, str] = {
    "accesses": "访问记录",
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
    "display_from": "公示起",
    "display_until": "公示止",
    "due": "期限",
    "evidence": "材料",
    "fields": "内容",
    "filed_on": "提交日期",
    "given_at": "授权时间",
    "id": "编号",
    "issuer": "决定机关",
    "item": "条目",
    "items": "条目",
    "kind": "类型",
    "lane": "通道",
    "line": "文件行",
    "mark": "标注",
    "matter": "办理事项",
    "max_length": "最大长度",
    "max_uses": "可用次数",
    "measure": "措施",
    "name": "英文名称",
    "name_zh": "名称",
    "nature": "性质",
    "note": "备注",
    "officer": "经办人",
    "origin": "来源节点",
    "outcome": "结果",
    "overdue": "逾期",
    "party": "单位",
    "purpose": "目的",
    "reason": "理由",
    "reasons": "原因",
    "record": "记录",
    "records": "记录",
    "refused_by": "上级拒收",
    "released": "可提供",
    "required": "必填",
    "rev": "版本",
    "review": "审核编号",
    "revision": "版本标识",
    "row": "行",
    "rows": "行数",
    "since": "自",
    "state": "状态",
    "statement": "陈述",
    "steps": "经过",
    "subject": "主体",
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
    "verdict": "结果",
    "verdicts": "各类结果",
    "withheld": "不提供",
}
_VALUES: Mapping[str, str] = {
    "accepted": "新增",
    "answered": "已反馈",
    "approved": "已准予",
    "closed": "已办结",
    "corrected": "已更正",
    "done": "已完成",
    "expired": "已过期",
    "filed": "已提交",
    "held": "待审核",
    "open": "待反馈",
    "refused": "已拒绝",
    "released": "审核通过",
    "returned": "待补正",
    "revoked": "已撤销",
    "unchanged": "无变化",
    "under_way": "进行中",
    "used_up": "已用完",
    "withdrawn": "已终止",
}
_OF_WORDS = frozenset({"state", "verdict"})


def headed(name: str) -> str:
    """A name with its Chinese word before it, where it has one."""
    last = name.rpartition(".")[2]
    return f"{_NAMES[last]} {name}" if last in _NAMES else name


def worded(name: str, value: object) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    word = _VALUES.get(str(value)) if name.rpartition(".")[2] in _OF_WORDS else None
    return f"{word} {value}" if word else _plain(str(value))


def _plain(text: str) -> str:
    """A text of somebody else's without what moves a terminal's cursor."""
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in text)
