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

__all__ = ["Letter", "Outcome", "Wish", "asked", "listed", "shown"]


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter of a service."""

    service: str
    of: DeadLetter

    @property
    def name(self) -> str:
        """As commands take it."""
        return f"{self.service}/{self.of.stream}/{self.of.part}/{self.of.number}"

    @property
    def line(self) -> tuple[str, ...]:
        """A row of the list."""
        stream, part, number, type_, error, waiting, since, wish, *_ = self.of
        values = (self.service, stream, part, number, type_, error, waiting, since.isoformat(), wish or "")
        return tuple(map(str, values))

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
            "asked for": of.asked or "nothing",
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a wish, in words, and the exit code that says so."""

    said: str
    exit: int


async def listed(settings: NodeSettings, declaration: Declaration) -> list[Letter]:
    """The letters of every service, oldest first in each part."""
    found: list[Letter] = []
    for service in declaration.services:
        if service.handles:
            found += await _letters(settings, service.name)
    return found


async def shown(settings: NodeSettings, declaration: Declaration, name: str) -> Letter:
    """The letter of that name; NodeError if there is none."""
    service, place, number = _read(declaration, name)
    for letter in await _letters(settings, service):
        if ((letter.of.stream, letter.of.part), letter.of.number) == (place, number):
            return letter
    raise _none(name)


async def asked(settings: NodeSettings, declaration: Declaration, name: str, wish: Wish, *, seconds: float) -> Outcome:
    """Ask for a letter to be tried again or dropped, and wait for what becomes of it."""
    service, place, number = _read(declaration, name)
    async with opened(settings, service) as pool, pool.session() as session:
        if not await dead_letters.ask(session, service, place, number, wish):
            raise _none(name)
        try:
            async with asyncio.timeout(seconds):
                while (wished := await dead_letters.wished(session, service, place, number)) == wish:  # noqa: ASYNC110 - in the database
                    await asyncio.sleep(SECONDS_TO_LOOK)
        except TimeoutError:
            return Outcome(f"asked; nobody has done it yet: is {service} running? / 已登记，{service} 尚未处理", 3)
    if wished is None:
        return Outcome(f"{name}: done, its key flows again / 已完成，恢复处理", 0)
    return Outcome(f"{name}: refused again, see `dead show {name}` / 再次失败，见 `dead show {name}`", 1)


async def _letters(settings: NodeSettings, service: str) -> list[Letter]:
    async with opened(settings, service) as pool, pool.session() as session:
        return [Letter(service, letter) for letter in await dead_letters.letters(session, service)]


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
