"""The catalogue as every process keeps it in memory, built from the catalogue's stream: what is asked of it, by day."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from creditmesh.schemas.catalogue import (
    CodeSet,
    CreditList,
    Item,
    Matter,
    Measure,
    Procedure,
    Purpose,
    Repair,
    Rule,
)
from creditmesh.schemas.catalogue.base import based
from creditmesh.schemas.catalogue.code_set import NUMBER_FILLERS
from creditmesh.schemas.events.catalogue import CatalogueChanged, ObjectKind
from creditmesh.schemas.histories import Published, once_a_version
from creditmesh.schemas.known_parties import KnownParties
from creditmesh.schemas.rules.compile import CompiledItem, compile_item
from creditmesh.schemas.rules.identity import filler_words
from creditmesh.schemas.rules.narrowest import Narrowest
from creditmesh.schemas.rules.retention import RetentionTerm, term_of
from creditmesh.schemas.rules.severity import confirmed
from creditmesh.schemas.rules.visibility import Law, rule_of


class Directory(KnownParties):
    """Items, lists, measures, matters, purposes and code sets by code and legal date, parties by code."""

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = False
        """Whether the node is one: there what is not verified restricts people all the same."""
        self.upgraded = False
        """Whether it had people before decision 35: then rows came under rules that nobody had confirmed."""
        self._compiled: dict[tuple[str, int, date], CompiledItem] = {}

    def item(self, code: str, *, on: date) -> Item | None:
        """The item's version in force on that day; None if there is none or it is withdrawn."""
        return self._find(Item, code, on)

    def matter(self, code: str, *, on: date) -> Matter | None:
        """The matter in force on that day that gives a ground: on a basis in force, and confirmed (`acts`)."""
        matter = self._find(Matter, code, on)
        return matter if matter is not None and self.acts(matter, on=on) else None

    def purpose(self, code: str, *, on: date) -> Purpose | None:
        """The purpose in force on that day."""
        return self._find(Purpose, code, on)

    def procedure(self, case: str, *, on: date) -> Procedure | None:
        """The clocks of a kind of case in force on that day."""
        found = (body for body in self.objects("procedure", on=on) if isinstance(body, Procedure))
        return next((body for body in found if body.case == case), None)

    @once_a_version
    def lists(self, *, on: date) -> Mapping[str, CreditList]:
        """The lists that put somebody on them on that day, by code; who was on another is on none."""
        found = (each for each in self.objects("list", on=on) if isinstance(each, CreditList))
        return {each.code: each for each in found if self.acts(each, on=on)}

    def acts(self, body: CreditList | Measure | Matter, *, on: date) -> bool:
        """Whether it does anything to or for anybody that day: on a basis in force, and confirmed."""
        return based(body.basis, on) and self.confirms(body)

    def confirms(self, body: CreditList | Measure | Matter | Item) -> bool:
        """Whether somebody compared it with the law: a basis, and what is no item whole; in a sandbox nobody has to."""
        read = any(basis.verified for basis in body.basis)
        return self.sandbox or (read and (isinstance(body, Item) or body.verified))

    @once_a_version
    def inert(self, *, on: date) -> frozenset[str]:
        """The codes of the items in force of which nothing is collected, shown or counted.

        Outside a sandbox: nobody confirmed a basis of theirs, or the list that they put their subjects on.
        """
        items = (each for each in self.objects("item", on=on) if isinstance(each, Item))
        return frozenset(item.code for item in items if not self._stands(item, on=on))

    def _stands(self, item: Item, *, on: date) -> bool:
        listed = self.sandbox or item.designates is None or item.designates in self.lists(on=on)
        return listed and self.confirms(item)

    @once_a_version
    def designating(self, *, on: date) -> frozenset[tuple[str, str]]:
        """The items in force that put their subjects on such a list, each with its list."""
        items = (each for each in self.objects("item", on=on) if isinstance(each, Item))
        codes = ((item.code, item.designates) for item in items)
        return frozenset((item, code) for item, code in codes if code is not None and code in self.lists(on=on))

    def measure(self, code: str, *, on: date) -> Measure | None:
        """The measure in force on that day."""
        return self._find(Measure, code, on)

    def code_set(self, code: str, *, on: date) -> CodeSet | None:
        """The code set in force on that day; before its first, as it will be."""
        return self._find(CodeSet, code, on) or self._newest(CodeSet, code)

    @once_a_version
    def fillers(self, *, on: date) -> frozenset[str]:
        """The words that stand where a number should, on that day."""
        found = self.code_set(NUMBER_FILLERS, on=on)
        return filler_words(() if found is None else found.spellings)

    def rules(self, *, on: date) -> tuple[Rule, ...]:
        """The rules for all items in force on that day, each before its first day as it will be."""
        rules = (self._find(Rule, code, on) or self._newest(Rule, code) for code in sorted(self._histories["rule"]))
        return tuple(rule for rule in rules if rule is not None)

    @once_a_version
    def objects(self, kind: ObjectKind, *, on: date) -> tuple[Published, ...]:
        """Everything of a kind that is in force on that day, in the order of the codes."""
        found = (self._in_force(kind, code, on) for code in sorted(self._histories.get(kind, {})))
        return tuple(version.body for version in found if version is not None and version.state == "published")

    @once_a_version
    def keyed_by(self, code: str) -> frozenset[tuple[str, tuple[str, ...]]]:
        """The ways in which versions of an item tell its records apart: the decision number's field and all of them."""
        items = (each.body for each in self.versions("item", code) if isinstance(each.body, Item))
        return frozenset((item.roles.decision_number, item.identifying) for item in items)

    def compiled(self, code: str, number: int, *, on: date) -> CompiledItem:
        """The validator of one version of an item, with the code sets and rules of that day. KeyError if unknown."""
        since = self._read_since(on=on)
        try:
            return self._compiled[code, number, since]
        except KeyError:
            version = self.version("item", code, number)
            if version is None or not isinstance(version.body, Item):
                raise KeyError(f"no version {number} of item {code}") from None
            found = ((name, self.code_set(name, on=on)) for name in self._histories["code_set"])
            sets = {name: body for name, body in found if body is not None}
            item = version.body if self.sandbox else confirmed(version.body)
            compiled = compile_item(item, sets, self.rules(on=on))
            return self._compiled.setdefault((code, number, since), compiled)

    @once_a_version
    def _read_since(self, *, on: date) -> date:
        """The day from which rows are read as on that one: the last on which a code set or a rule changed."""
        histories = (*self._histories["code_set"].values(), *self._histories["rule"].values())
        days = (version.effective for history in histories for version in history if version.effective <= on)
        return max(days, default=date.min)

    @once_a_version
    def law(self, on: date) -> Law:
        """What visibility goes by on that day."""
        return replace(self.own_law(on), withdrawn=self.withdrawn(on) | self.inert(on=on))

    @once_a_version
    def own_law(self, on: date) -> Law:
        """The same for whom it is about and for whose record it is: inert, it may be objected to, and is corrected."""
        items = (each for each in self.objects("item", on=on) if isinstance(each, Item))
        held = ((item, item if self.sandbox else confirmed(item)) for item in items)
        changed = {item.code: held for item, held in held if self._accepted_by_others(item.code, rule_of(held))}
        return Law(as_of=on, withdrawn=self.withdrawn(on), items=changed)

    def repair(self, code: str, number: int, *, on: date) -> Repair | None:
        """How records of an item are repaired: by the version in force that day, else the one they were accepted under.

        What is not verified follows nobody outside a sandbox. None where neither is known.
        """
        version = self.version("item", code, number)
        item = self.item(code, on=on) or (version.body if version is not None else None)
        if not isinstance(item, Item):
            return None
        return (item if self.sandbox else confirmed(item)).repair

    @once_a_version
    def shown_by(self, code: str, number: int, *, on: date) -> Narrowest | None:
        """What may be shown on that day of a record accepted under that version; None if the version is unknown."""
        version = self.version("item", code, number)
        if version is None or not isinstance(version.body, Item):
            return None
        return Narrowest(version.body, self.item(code, on=on) or version.body)

    @once_a_version
    def retention(self, on: date) -> Mapping[str, RetentionTerm]:
        """For how long what has ended is kept by the rules of that day, by item; a withdrawn one keeps its term."""
        found = {}
        for code in self._histories["item"]:
            today = self._in_force("item", code, on)
            if today is not None:
                known = self.versions("item", code)
                until_today = known[: next(place for place, each in enumerate(known, 1) if each is today)]
                found[code] = term_of(
                    [(v.number, v.effective, v.body) for v in until_today if isinstance(v.body, Item)]
                )
        return found

    def _accepted_by_others(self, code: str, rule: dict[str, object]) -> bool:
        versions = (each.body for each in self.versions("item", code) if each.state == "published")
        return any(rule not in self._accepted_under(body) for body in versions if isinstance(body, Item))

    def _accepted_under(self, item: Item) -> tuple[dict[str, object], ...]:
        """The rules beside which a version's rows have no other: as it says and, milder, as far as it is confirmed."""
        if self.sandbox or self.upgraded:
            return (rule_of(item),)
        return rule_of(item), rule_of(confirmed(item))

    @once_a_version
    def withdrawn(self, as_of: date) -> frozenset[str]:
        """The codes of all items withdrawn on that day."""
        items = ((code, self._in_force("item", code, as_of)) for code in self._histories["item"])
        return frozenset(code for code, version in items if version is not None and version.state == "withdrawn")

    def withdrawn_at(self, code: str) -> date | None:
        """From which day an item is withdrawn, as last published; None if it is not."""
        history = self._histories["item"].get(code)
        return history[-1].effective if history and history[-1].state == "withdrawn" else None

    def _has_changed(self, change: CatalogueChanged, body: Published) -> None:
        if isinstance(body, CodeSet | Rule):
            self._compiled.clear()
        elif isinstance(body, Item):
            for known in [each for each in self._compiled if each[:2] == (change.code, change.number)]:
                del self._compiled[known]
