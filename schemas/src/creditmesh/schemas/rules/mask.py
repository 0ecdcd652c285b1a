"""How a sensitive value is shown where it may be shown in part."""

from creditmesh.schemas.catalogue import Mask

HIDDEN = "***"


def mask(value: str, rule: Mask | None) -> str:
    """The value with its middle hidden, or hidden whole where no rule is given.

    At most `keep_left + keep_right` characters remain, and never the whole value: one that is not longer than what
    would be kept is hidden whole. The number of stars is the number of hidden characters only if the rule keeps some.
    """
    if rule is None or rule.keep_left + rule.keep_right == 0:
        return HIDDEN if value else ""
    hidden = len(value) - rule.keep_left - rule.keep_right
    if hidden <= 0:
        return HIDDEN if value else ""
    return value[: rule.keep_left] + "*" * hidden + value[len(value) - rule.keep_right :]
