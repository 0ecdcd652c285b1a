"""Writes the sample files and what the gate must say of them: `python -m samples.generate [FOLDER]`.

Seeded: the same files, byte for byte, on every machine. A test compares them with what is committed.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from creditmesh.catalogue import folder
from creditmesh.schemas.catalogue import Item, Party
from samples import dirt, licences, lists, penalties
from samples.exported import Exported
from samples.files import File, Pile
from samples.invented import Town, town
from samples.row import BASE, Row
from samples.typed import typed

SEED = 20261120
HERE = Path(__file__).parent
DRIFTED_PENALTY = {"CF_FRDB": "CF_FDDB", "CF_FR_ZJHM": "CF_FR_SFZH", "CF_CFJG": "CF_XKJG"}
DRIFTED_LICENCE = {"XK_FRDB": "XK_FDDB", "XK_FR_SFZH": "XK_FR_ZJHM"}
CHINESE = {"CF_FR_ZJHM": "法定代表人身份证号", "CF_NR_FK": "罚款金额（万元）"}


class Catalogue:
    """The shipped items and the parties of a sandbox city, which the files are written for."""

    def __init__(self) -> None:
        entries = folder.read(folder.shipped()) + folder.read(folder.invented("city"))
        bodies = [entry.body for entry in entries]
        self.items = {body.code: body for body in bodies if isinstance(body, Item)}
        self.parties = {body.code: body for body in bodies if isinstance(body, Party)}


def files() -> tuple[File, ...]:
    """All sample files."""
    random, known = Random(SEED), Catalogue()
    people = town(random)
    return (
        *_penalties(random, people, known),
        *_licences(random, people, known),
        File(
            name="judgment-defaulters.ndjson",
            item=known.items["judgment_defaulter"],
            party=known.parties["court"],
            rows=lists.defaulters(random, people, known.parties["court"]),
        ),
        File(
            name="a-rated-taxpayers.csv",
            item=known.items["taxpayer_rating_a"],
            party=known.parties["tax"],
            rows=lists.rated(people, known.parties["tax"]),
            encoding="utf-8-sig",
            header="zh",
        ),
        Exported.made(people, known.items["administrative_penalty"], known.parties["transport"]),
        typed(people, known.items["administrative_penalty"], known.parties["housing"]),
    )


def _penalties(random: Random, people: Town, known: Catalogue) -> Iterable[File]:
    item, soils = known.items["administrative_penalty"], (*dirt.ANY, *dirt.OF_PENALTIES)

    def rows(party: str, series: str, clean: int, told: Sequence[Row] = ()) -> list[Row]:
        return Pile(
            random=random,
            town=people,
            party=known.parties[party],
            make=penalties.clean,
            names=dirt.PENALTY,
            stranger=known.parties["finance"].uscc,
            series=series,
        ).rows(clean, soils, told)

    market, transport, housing = (known.parties[code] for code in ("market_regulation", "transport", "housing"))
    told = _told_penalties(random, people, market)
    yield File(name="penalties.csv", item=item, party=market, rows=rows(market.code, "示市监罚", 260, told))
    yield File(
        name="penalties-gb18030.csv",
        item=item,
        party=transport,
        rows=rows(transport.code, "示交罚", 200),
        header="zh",
        encoding="gb18030",
        renamed=CHINESE,
    )
    built = rows(housing.code, "示建罚", 200)
    built[20:20] = [_forbidden(random, people, housing)]
    yield File(name="penalties.ndjson", item=item, party=housing, rows=built, renamed=DRIFTED_PENALTY)


def _licences(random: Random, people: Town, known: Catalogue) -> Iterable[File]:
    item = known.items["administrative_licence"]

    def rows(party: str, series: str, clean: int, told: Sequence[Row] = ()) -> list[Row]:
        return Pile(
            random=random,
            town=people,
            party=known.parties[party],
            make=licences.clean,
            names=dirt.LICENCE,
            stranger=known.parties["finance"].uscc,
            series=series,
        ).rows(clean, dirt.ANY, told)

    market, transport, housing = (known.parties[code] for code in ("market_regulation", "transport", "housing"))
    told = _told_licences(random, people, market)
    yield File(
        name="licences.csv",
        item=item,
        party=market,
        rows=rows(market.code, "示市监许", 220, told),
        header="zh",
        encoding="utf-8-sig",
    )
    yield File(
        name="licences-gb18030.csv",
        item=item,
        party=transport,
        rows=rows(transport.code, "示交许", 180),
        encoding="gb18030",
        renamed=DRIFTED_LICENCE,
    )
    yield File(name="licences.ndjson", item=item, party=housing, rows=rows(housing.code, "示建许", 180))


def _told_penalties(random: Random, people: Town, party: Party) -> list[Row]:
    person, enterprise, trader = people.told

    def ago(days: int) -> date:
        return BASE - timedelta(days=days)

    rows = [
        penalties.of(random, person, party, number="示市监罚〔2026〕9001号", severity="general", decided=ago(200)),
        penalties.of(random, person, party, number="示市监罚〔2025〕9002号", severity="serious", decided=ago(500)),
        penalties.of(random, enterprise, party, number="示市监罚〔2024〕9003号", severity="serious", decided=ago(700)),
        penalties.of(random, enterprise, party, number="示市监罚〔2025〕9004号", severity="general", decided=ago(345)),
        penalties.of(random, trader, party, number="示市监罚〔2026〕9005号", severity="minor", decided=ago(30)),
    ]
    return _all_told(rows)


def _told_licences(random: Random, people: Town, party: Party) -> list[Row]:
    person, enterprise, _ = people.told
    decided, until = BASE - timedelta(days=900), BASE + timedelta(days=30)
    rows = [
        licences.of(random, person, party, number="示市监许〔2024〕9001号", decided=decided, until=until),
        licences.of(random, enterprise, party, number="示市监许〔2024〕9002号", decided=decided, until=None),
    ]
    return _all_told(rows)


def _all_told(rows: list[Row]) -> list[Row]:
    for row in rows:
        row.told = True
    return rows


def _forbidden(random: Random, people: Town, party: Party) -> Row:
    row = penalties.clean(random, people.someone(random, "natural_person"), party, "示建罚〔2026〕8001号")
    row.fields["宗教信仰"] = "无"
    row.dirt = "forbidden_attribute"
    row.becomes("refused", ("forbidden_attribute", ""))
    return row


def expected(made: Sequence[File]) -> dict[str, Any]:
    """What the gate must say of every row, and whom to ask about."""
    told = town(Random(SEED)).told
    return {
        "base": BASE.isoformat(),
        "files": {file.name: _of_file(file) for file in made},
        "subjects": {
            subject.kind: {
                "subject": {
                    "kind": subject.kind,
                    "document": {
                        "type": "resident_id" if subject.kind == "natural_person" else "uscc",
                        "number": subject.number,
                    },
                    "name": subject.name,
                },
                "records": [
                    {"file": file.name, "row": place, "item": file.item.code, "ends": _day(row.ends)}
                    | {"number": row.fields[file.item.roles.decision_number]}
                    | {"decided": row.fields[file.item.roles.decided_on]}
                    for file in made
                    for place, row in enumerate(file.rows, 1)
                    if row.told and subject.number in row.fields.values()
                ],
            }
            for subject in told
        },
    }


def _of_file(file: File) -> dict[str, Any]:
    rows = list(enumerate(file.rows, 1))
    ends = [row.ends for row in file.rows if row.verdict == "accepted"]
    return {
        "item": file.item.code,
        "party": file.party.code,
        "content_type": file.content_type,
        "rows": len(rows),
        "counts": dict(sorted(Counter(row.verdict for row in file.rows).items())),
        "shown": {
            (BASE + timedelta(days=days)).isoformat(): sum(
                end is None or BASE + timedelta(days=days) < end for end in ends
            )
            for days in (0, 45, 365)
        },
        "dirt": {
            str(place): {"dirt": row.dirt, "verdict": row.verdict}
            | (
                {"reasons": [{"code": c, "pointer": f"/{f}" if f else ""} for c, f in row.reasons]}
                if row.reasons
                else {}
            )
            for place, row in rows
            if row.dirt
        },
    } | ({"notices": file.notices} if file.notices else {})


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def main(target: Path = HERE) -> None:
    """Write everything into a folder."""
    made = files()
    for file in made:
        file.write(target)
    text = json.dumps(expected(made), ensure_ascii=False, indent=1)
    (target / "expected.json").write_text(text + "\n", encoding="utf-8")
    for file in made:
        print(f"{file.name:28} {len(file.rows):4} rows")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
