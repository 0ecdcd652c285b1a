"""What `dead` shows and asks for: the dead letters of every service, read and asked for as each service's own role.

The command only writes down what is wanted; the process that leases the letter's part does it, between its batches.
"""

import asyncio
from dataclasses import dataclass

from creditmesh.chassis.bus import dead_letters
from creditmesh.chassis.bus.dead_letters import DeadLetter, Wish
from creditmesh.chassis.bus.position import Place
from creditmesh.chassis.service import Declaration
from creditmesh.chassis.settings import NodeSettings
from creditmesh.node.database import opened
from creditmesh.node.errors import NodeError

SECONDS_TO_LOOK = 0.2
UNREAD = "it is read no more: drop it"

__all__ = ["CommandResult", "Letter", "Wish", "asked", "listed", "shown"]


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter of a service."""

    service: str
    of: DeadLetter
    read: bool
    """Whether the service still handles that type of that stream; if not, the letter can only be dropped."""

    @property
    def name(self) -> str:
        """As commands take it."""
        return f"{self.service}/{self.of.stream}/{self.of.part}/{self.of.number}"

    @property
    def line(self) -> tuple[str, ...]:
        """A row of the list."""
        stream, part, number, type_, error, waiting, since, *_ = self.of
        values = (self.service, stream, part, number, type_, error, waiting, since.isoformat())
        return (*map(str, values), self.asked)

    @property
    def asked(self) -> str:
        """What an operator asked for it, or that nobody reads it any more."""
        return (self.of.asked or "") if self.read else UNREAD

    def described(self) -> dict[str, object]:
        """Everything a person may see of it, by name."""
        of = self.of
        return {
            "letter": self.name,
            "event": f"{of.type} {of.id}",
            "happened": of.at.isoformat(),
            "refused": of.since.isoformat(),
            "because": of.error,
            "waiting behind it": of.waiting,
            "asked for": self.asked or "nothing",
        }


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What became of a wish, in words, and the exit code that says so."""

    said: str
    exit: int


async def listed(settings: NodeSettings, declaration: Declaration) -> list[Letter]:
    """The letters of every service, oldest first in each part."""
    found: list[Letter] = []
    for service in declaration.services:
        if service.handles:
            found += await _letters(settings, declaration, service.name)
    return found


async def shown(settings: NodeSettings, declaration: Declaration, name: str) -> Letter:
    """The letter of that name; NodeError if there is none."""
    service, place, number = _read(declaration, name)
    for letter in await _letters(settings, declaration, service):
        if ((letter.of.stream, letter.of.part), letter.of.number) == (place, number):
            return letter
    raise _none(name)


async def asked(
    settings: NodeSettings, declaration: Declaration, name: str, wish: Wish, *, seconds: float
) -> CommandResult:
    """Ask for a letter to be tried again or dropped, and wait for what becomes of it."""
    service, place, number = _read(declaration, name)
    async with opened(settings, service) as pool:
        async with pool.transaction() as session:
            found = await dead_letters.ask(session, service, place, number, wish)
            if found is None:
                raise _none(name)
            type_, key = found
            if wish == "retry" and not _reads(declaration, service, place[0], type_):
                raise NodeError(
                    f"{service} reads {type_} of {place[0]} no more: `dead drop {name}`",
                    f"{service} 已不再读取 {place[0]} 的 {type_}：请 `dead drop {name}`",
                )
            if place[0] not in declaration.streams_of(declaration.service(service)):
                gone = await dead_letters.drop_key(session, service, place[0], key)
                return CommandResult(f"{name}: dropped with all of its key, {gone} in all / 已丢弃，共 {gone} 条", 0)
        try:
            async with asyncio.timeout(seconds), pool.session() as session:
                while (stands := await dead_letters.letter_of(session, service, place[0], key)) and stands[1]:  # noqa: ASYNC110 - in the database
                    await asyncio.sleep(SECONDS_TO_LOOK)
        except TimeoutError:
            return CommandResult(
                f"asked; not all of it is done yet: is {service} running? / 已登记，{service} 尚未处理完", 3
            )
    if stands is None:
        return CommandResult(f"{name}: done, its key flows again / 已完成，恢复处理", 0)
    if stands[0] == number:
        return CommandResult(f"{name}: refused again, see `dead show {name}` / 再次失败，见 `dead show {name}`", 1)
    later = f"{service}/{place[0]}/{place[1]}/{stands[0]}"
    return CommandResult(
        f"{name}: done, but a later event of its key was refused and is the letter now: see `dead show {later}` / "
        f"已完成，但同一主体的后续事件失败并成为新的死信，见 `dead show {later}`",
        1,
    )


async def _letters(settings: NodeSettings, declaration: Declaration, service: str) -> list[Letter]:
    async with opened(settings, service) as pool, pool.session() as session:
        return [
            Letter(service, letter, _reads(declaration, service, letter.stream, letter.type))
            for letter in await dead_letters.letters(session, service)
        ]


def _reads(declaration: Declaration, service: str, stream: str, type_: str) -> bool:
    handled = declaration.streams_of(declaration.service(service)).get(stream, {})
    return any(event.type == type_ for event in handled)


def _read(declaration: Declaration, name: str) -> tuple[str, Place, int]:
    service, _, rest = name.partition("/")
    stream, _, numbers = rest.partition("/")
    part, _, number = numbers.partition("/")
    if service not in {each.name for each in declaration.services} or not (part.isdecimal() and number.isdecimal()):
        raise NodeError(
            "a letter is SERVICE/STREAM/PART/NUMBER, as `dead list` shows it", "形如 SERVICE/STREAM/PART/NUMBER"
        )
    return service, (stream, int(part)), int(number)


def _none(name: str) -> NodeError:
    return NodeError(f"there is no dead letter {name}: see `dead list`", f"没有死信 {name}，见 `dead list`")
