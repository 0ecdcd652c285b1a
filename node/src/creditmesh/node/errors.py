"""What goes wrong for an operator, said in both languages on one line."""


class NodeError(Exception):
    """A plain refusal for a terminal: what and what to do, in English and in Chinese."""

    def __init__(self, text: str, text_zh: str) -> None:
        super().__init__(f"{text} / {text_zh}")
