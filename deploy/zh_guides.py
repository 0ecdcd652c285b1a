"""Which sections of the English guides have changed since their Chinese page was written from them.

`python deploy/zh_guides.py` prints them, and `--looked-at` writes down, once the Chinese says it too, what it was
written from: each Chinese page ends with a digest of every section of its English page. Code blocks are not in it: they
are the same in both, and compared.
"""

import re
import sys
from hashlib import sha256
from pathlib import Path

GUIDES = Path(__file__).parents[1] / "docs" / "guide"
BLOCK = re.compile(r"^( *)```([^\n`]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_KEPT = re.compile(r"\n<!-- written from\n(.*?)-->\n", re.DOTALL)


def sections(text: str) -> list[tuple[str, str]]:
    """The heading and the text of each section of a page, without code blocks."""
    parts = re.split(r"^(?=#+ )", _KEPT.sub("", BLOCK.sub("", text)), flags=re.MULTILINE)
    return [(part.split("\n", 1)[0], part) for part in parts if part.startswith("#")]


def english(page: Path) -> list[str]:
    """A line of each section of the English page: its digest, whatever its lines' lengths, and its heading."""
    found = sections((GUIDES / page.name).read_text(encoding="utf-8"))
    return [f"{sha256(' '.join(text.split()).encode()).hexdigest()[:12]} {heading}" for heading, text in found]


def written_from(page: Path) -> list[str]:
    """The same as the Chinese page has it."""
    kept = _KEPT.search(page.read_text(encoding="utf-8"))
    return kept.group(1).splitlines() if kept else []


def to_look_at(page: Path) -> list[str]:
    """The headings of the English sections that the Chinese page was not written from as they are."""
    known = set(written_from(page))
    return [line.split(" ", 1)[1] for line in english(page) if line not in known]


def look(page: Path) -> None:
    """Write down that the Chinese page says what the English one says today."""
    said = _KEPT.sub("", page.read_text(encoding="utf-8")).rstrip("\n")
    lines = "\n".join(english(page))
    page.write_text(f"{said}\n\n<!-- written from\n{lines}\n-->\n", encoding="utf-8")


def main() -> None:
    """Print what is to be looked at, or write down that all of it was."""
    for page in sorted((GUIDES / "zh").glob("*.md")):
        for heading in to_look_at(page):
            print(f"docs/guide/zh/{page.name}: look at {heading.lstrip('# ')!r}")
        if "--looked-at" in sys.argv[1:]:
            look(page)


if __name__ == "__main__":
    main()
