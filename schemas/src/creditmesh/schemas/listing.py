"""Values that are allowed, as a text lists them in both languages: some twenty, and of more where all are read.

In Chinese `；` stands between them, as between the values of a cell: `暂扣或者吊销许可证、执照` is one value.
"""

from collections.abc import Collection

MOST_LISTED = 20
"""Values that a text lists."""


def listed(values: Collection[str], *, at: str = "") -> tuple[str, str]:
    """The values in English and in Chinese; of more than `MOST_LISTED` the first, and where all are (`at`), if said."""
    few = list(values)[:MOST_LISTED]
    if len(few) == len(values):
        return ", ".join(few), "；".join(few)
    more, more_zh = (f" (all: {at})", f"（全部见 {at}）") if at else ("", "")
    return f"{', '.join(few)}, …{more}", f"{'；'.join(few)}……{more_zh}"
