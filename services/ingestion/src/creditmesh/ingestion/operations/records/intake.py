"""Intake: the rows of one item from one party are read, judged at the gate, and find their subjects."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import orjson
from pydantic import JsonValue

from creditmesh.chassis.bulk import in_slices
from creditmesh.chassis.context import Context
from creditmesh.ingestion.errors import NotAuthorised, OutsideCredential, UnconfirmedItem, UnknownItem
from creditmesh.ingestion.formats import SubmittedRow
from creditmesh.ingestion.gate import gate_of
from creditmesh.ingestion.operations.records.candidates import Candidate, PassedRow, candidates_of
from creditmesh.ingestion.revisions import Attribution, Lane
from creditmesh.schemas.catalogue import Item, Party
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.rules.compile import ReadRow, Row
from creditmesh.schemas.rules.headers import MOST_NAMES
from creditmesh.schemas.rules.identity import Identity, identify

_SLICE = 100


@dataclass(slots=True)
class IntakeRow:
    """One row on its way: refused, or passed and, once its subjects are found, a candidate."""

    number: int
    refusals: Sequence[FieldError] = ()
    left_out: Mapping[str, FieldError] = field(default_factory=dict)
    """What is said of each name of it that is none of the item's."""
    passed: PassedRow | None = None
    candidate: Candidate | None = None

    @property
    def passed_candidate(self) -> Candidate:
        """The candidate of a row that was not refused."""
        if self.candidate is None:
            raise RuntimeError("a refused row is no candidate")
        return self.candidate


class Intake:
    """Rows of one item from one party, under one legal date."""

    def __init__(self, ctx: Context, item: Item, party: Party) -> None:
        self.item = item
        self.party = party
        self.compiled = ctx.followed(Directory).compiled(item.code, item.number, on=ctx.legal_date)
        self._gate = gate_of(self.compiled, party=party, today=ctx.legal_date)
        self._ctx = ctx
        self._whole: Mapping[str, Identity] = {}

    @classmethod
    def of(cls, ctx: Context, item_code: str, *, party: str | None) -> "Intake":
        """The intake of an item for a party; UnknownItem if it is not in force, NotAuthorised without its duty."""
        directory = ctx.followed(Directory)
        item = directory.item(item_code, on=ctx.legal_date)
        if item is None:
            raise UnknownItem(
                "Look up the item's code in GET /v1/catalogue/items.", "请在 GET /v1/catalogue/items 中查询条目代码。"
            )
        found = None if party is None else directory.party(party)
        if found is None or not found.active or not set(found.duties) & set(item.duties):
            raise NotAuthorised(
                "The item is for parties with one of its duties; ask the catalogue keeper.",
                "该条目仅限具有相应职责的单位报送；请联系目录管理方。",
            )
        limited = ctx.known_caller.items
        if limited is not None and item_code not in limited:
            raise OutsideCredential
        return cls(ctx, item, found)

    def assert_collected(self) -> None:
        """UnconfirmedItem where the law was not read for it: what stands is corrected, nothing more is taken."""
        if self.item.code in self._ctx.followed(Directory).inert(on=self._ctx.legal_date):
            raise UnconfirmedItem(
                "No basis of the item, or not the list it puts its subjects on, was compared with the law (verified). "
                "Ask the catalogue's keeper to confirm it; then send it again.",
                "该条目的依据或其所列入的名单尚未与法律核对（verified）；请联系目录管理方核实后重新报送。",
            )

    def attribution(
        self, *, lane: Lane = "live", submission: UUID | None = None, why: str | None = None, basis: str | None = None
    ) -> Attribution:
        """Whose the revisions of these rows are."""
        return Attribution(
            origin=self._ctx.node.code,
            party=self.party.code,
            item=self.item.code,
            item_version=self.item.number,
            officer=self._ctx.known_caller.officer,
            lane=lane,
            submission=submission,
            reason=why,
            basis=basis,
        )

    def read(self, row: SubmittedRow) -> IntakeRow:
        """Read and judge one row of a submission."""
        if row.refusal is not None:
            return IntakeRow(row.number, refusals=(row.refusal,))
        return self._judged(row.number, self.compiled.read_json(row.text), row.text)

    def read_fields(self, number: int, fields: Mapping[str, JsonValue]) -> IntakeRow:
        """Read and judge one row that comes as its fields."""
        return self._judged(number, self.compiled.read(fields), fields)

    async def meet_codes(self, rows: Sequence[SubmittedRow]) -> None:
        """Take note of the whole codes of those of whom other rows of the file have nine characters.

        On a node that had people before decision 30 these find somebody by those: whatever the order of the rows.
        """
        roles, nine, whole = self.item.roles, set[str](), dict[str, Identity]()
        async for some in in_slices(rows, _SLICE, seconds=0.005):
            for found in (each for row in some for each in _codes_of(row, (roles.uscc, roles.registration))):
                if found.is_whole:
                    whole[found.key] = found
                else:
                    nine.add(found.key)
        self._whole = {key: whole[key] for key in nine & whole.keys()}

    async def identify(self, rows: Sequence[IntakeRow], *, dry_run: bool = False) -> None:
        """Let the rows that were not refused find their subjects. Commits in the vault only; a dry run, nothing."""
        passed = [(row, row.passed) for row in rows if row.passed is not None]
        made = await candidates_of(self._ctx, [each for _, each in passed], whole=self._whole, dry_run=dry_run)
        for (row, _), found in zip(passed, made, strict=True):
            if isinstance(found, Candidate):
                row.candidate = found
            else:
                row.refusals = (found,)

    def _judged(self, number: int, read: ReadRow, sent: bytes | Mapping[str, JsonValue]) -> IntakeRow:
        row, left_out = read
        if not isinstance(row, dict):
            return IntakeRow(number, refusals=row, left_out=left_out)
        judgement = self._gate.judge(row)
        if judgement.refusals:
            return IntakeRow(number, refusals=judgement.refusals, left_out=left_out)
        given = self._given(row, sent)
        passed = PassedRow(
            compiled=self.compiled, origin=self._ctx.node.code, row=row, given=given, judgement=judgement
        )
        return IntakeRow(number, passed=passed, left_out=left_out)

    def _given(self, row: Row, sent: bytes | Mapping[str, JsonValue]) -> Row:
        try:
            fields = orjson.loads(sent) if isinstance(sent, bytes) else sent
        except orjson.JSONDecodeError:  # the validator takes what this parser does not, such as NaN in an empty field
            return row
        return self.compiled.as_given(row, fields)


def say_once(rows: Iterable[IntakeRow], said: set[str]) -> None:
    """Say of each name that was left out once, of what was not `said` before; of as many as a table has columns."""
    for row in (each for each in rows if each.left_out):
        new = [name for name in row.left_out if name not in said][: MOST_NAMES - len(said)]
        said.update(new)
        row.left_out = {name: row.left_out[name] for name in new}


def _codes_of(row: SubmittedRow, columns: Sequence[str | None]) -> Iterator[Identity]:
    """The organisation codes in these columns of a row that can be read."""
    try:
        fields = {} if row.refusal is not None else orjson.loads(row.text)
    except orjson.JSONDecodeError:
        return
    for value in (fields.get(column) for column in columns if column is not None) if isinstance(fields, dict) else ():
        found = identify("organisation", "uscc", value) if isinstance(value, str) else None
        if isinstance(found, Identity):
            yield found
