"""What goes wrong for an operator, said in both languages on one line."""

WRONG_NODE_ZH = "数据库尚未建为节点（请先执行 migrate），或与设置不符（代码、层级、分区数均不可更改）"
"""What a `WrongNode` says in Chinese."""


class NodeError(Exception):
    """A plain refusal for a terminal: what and what to do, in English and in Chinese."""

    def __init__(self, text: str, text_zh: str) -> None:
        super().__init__(f"{text} / {text_zh}")
