"""Which sections of the guides have changed, in English or in Chinese, since somebody held one against the other.

`python deploy/zh_guides.py` prints them. Once the Chinese says what the English says, `--looked-at PAGE HEADING` writes
that down of this section: each Chinese page ends with two digests of every section, of the English and of the Chinese.
Where the English has changed and the Chinese has not, that is refused: what is new is lacking, or `--says-it-already`.
Code blocks are not in it: they are the same in both, and compared.
"""

import re
from argparse import ArgumentParser
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

GUIDES = Path(__file__).parents[1] / "docs" / "guide"
BLOCK = re.compile(r"^( *)```([^\n`]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_KEPT = re.compile(r"\n<!-- written from\n(.*?)-->\n", re.DOTALL)


class Section(NamedTuple):
    """A section as it is, or as it was looked at: digests of its English and its Chinese, and its English heading."""

    english: str
    chinese: str
    heading: str


def sections(text: str) -> list[tuple[str, str]]:
    """The heading and the text of each section of a page, without code blocks."""
    parts = re.split(r"^(?=#+ )", _KEPT.sub("", BLOCK.sub("", text)), flags=re.MULTILINE)
    return [(part.split("\n", 1)[0], part) for part in parts if part.startswith("#")]


def _digest(text: str) -> str:
    """The same whatever its lines' lengths."""
    return sha256(" ".join(text.split()).encode()).hexdigest()[:12]


def standing(page: Path) -> list[Section]:
    """The sections of a Chinese page and its English one, as they are."""
    pair = (sections(each.read_text(encoding="utf-8")) for each in (GUIDES / page.name, page))
    return [
        Section(_digest(text), _digest(text_zh), heading) for (heading, text), (_, text_zh) in zip(*pair, strict=True)
    ]


def looked_at(page: Path) -> dict[str, Section]:
    """The sections by their headings, as they were looked at."""
    kept = _KEPT.search(page.read_text(encoding="utf-8"))
    found = (line.split(" ", 2) for line in (kept.group(1).splitlines() if kept else ()))
    return {heading: Section(english, chinese, heading) for english, chinese, heading in found}


def to_look_at(page: Path) -> Iterator[Section]:
    """The sections that have changed since, or that nobody looked at."""
    known = looked_at(page)
    return (each for each in standing(page) if known.get(each.heading) != each)


def look(page: Path, heading: str, *, says_it_already: bool = False) -> str:
    """Write down that the Chinese of a section says what the English says; or why that cannot be, and nothing."""
    known, now = looked_at(page), {_title(each.heading): each for each in standing(page)}
    if (section := now.get(heading)) is None:
        return f"{page.name} has no section {heading!r}; it has: {', '.join(now)}"
    before = known.get(section.heading)
    if before and before.chinese == section.chinese and before.english != section.english and not says_it_already:
        return f"the English of {heading!r} has changed, and the Chinese has not: mend it, or --says-it-already"
    known[section.heading] = section
    kept = [known[each.heading] for each in now.values() if each.heading in known]
    said = _KEPT.sub("", page.read_text(encoding="utf-8")).rstrip("\n")
    lines = "\n".join(" ".join(each) for each in kept)
    page.write_text(f"{said}\n\n<!-- written from\n{lines}\n-->\n", encoding="utf-8")
    return ""


def _title(heading: str) -> str:
    return heading.lstrip("# ")


def main() -> None:
    """Print what is to be looked at, or write down that one section was."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--looked-at", nargs=2, metavar=("PAGE", "HEADING"))
    parser.add_argument("--says-it-already", action="store_true")
    given = parser.parse_args()
    if given.looked_at:
        name, heading = given.looked_at
        page = GUIDES / "zh" / f"{name.removesuffix('.md')}.md"
        if refusal := look(page, heading, says_it_already=given.says_it_already):
            parser.error(refusal)
        return
    for page in sorted((GUIDES / "zh").glob("*.md")):
        for section in to_look_at(page):
            print(f"docs/guide/zh/{page.name}: look at {_title(section.heading)!r}")


if __name__ == "__main__":
    main()
