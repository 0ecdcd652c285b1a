"""What a lower tier's code set or rule becomes over a new version from above: what it added and took away, once more.

Other objects are narrower or give way as a whole. Of these two that would lose something either way: an old set of
eleven duties over a new one of fifty leaves what names the new ones without, and a ban that somebody added ends because
others were added beside it. So both are told by their parts, against the version that was changed (`was`).
"""

from creditmesh.schemas.catalogue import CodeSet, Rule
from creditmesh.schemas.catalogue.code_set import CodeValue, ForbiddenAttribute
from creditmesh.schemas.histories import Published


def merged(mine: Published, theirs: Published, was: Published | None) -> Published | None:
    """Theirs with what `mine` had made of `was`; None where the object is neither a code set nor a rule."""
    if isinstance(mine, CodeSet) and isinstance(theirs, CodeSet):
        return _set(mine, theirs, was if isinstance(was, CodeSet) else mine)
    if isinstance(mine, Rule) and isinstance(theirs, Rule):
        return _rule(mine, theirs, was if isinstance(was, Rule) else theirs)
    return None


def lost(mine: Published, theirs: Published) -> bool:
    """Whether a value or a banned word of `mine` is not in theirs."""
    if isinstance(mine, CodeSet) and isinstance(theirs, CodeSet):
        if mine.is_stricter_with_more:
            return not set(mine.spellings) <= set(theirs.spellings)
        return not {each.value for each in mine.values} <= {each.value for each in theirs.values}
    if isinstance(mine, Rule) and isinstance(theirs, Rule):
        return not _words(mine) <= _words(theirs)
    return False


def _set(mine: CodeSet, theirs: CodeSet, was: CodeSet) -> CodeSet:
    own, before = ({each.value: each for each in body.values} for body in (mine, was))
    if mine.is_stricter_with_more:
        values = _stricter(mine, theirs, was)
    else:
        values = tuple(
            _value(own.get(each.value), each, before.get(each.value))
            for each in theirs.values
            if each.value in own or each.value not in before
        )
    return theirs.model_copy(update={"values": values, "open": theirs.open and (mine.open or not was.open)})


def _value(mine: CodeValue | None, theirs: CodeValue, was: CodeValue | None) -> CodeValue:
    """Theirs without the spellings that mine took away, and off where mine turned it off."""
    if mine is None or was is None:
        return theirs
    dropped = set(was.aliases) - set(mine.aliases)
    aliases = tuple(each for each in theirs.aliases if each not in dropped)
    return theirs.model_copy(update={"aliases": aliases, "active": theirs.active and (mine.active or not was.active)})


def _stricter(mine: CodeSet, theirs: CodeSet, was: CodeSet) -> tuple[CodeValue, ...]:
    """Theirs with each spelling that mine added; of a value that is gone, what was added to it is one of its own."""
    own, before = ({each.value: each for each in body.values} for body in (mine, was))
    known = {*was.spellings, *theirs.spellings}
    added = {code: tuple(word for word in each.aliases if word not in known) for code, each in own.items()}
    stays = [each.model_copy(update={"aliases": (*each.aliases, *added.get(each.value, ()))}) for each in theirs.values]
    given = {each.value for each in theirs.values}
    for code in (code for code in own if code not in given):
        if code not in before and code not in theirs.spellings:
            stays.append(own[code].model_copy(update={"aliases": added[code]}))
        elif added[code]:
            word, *rest = added[code]
            stays.append(CodeValue(value=word, name=word, name_zh=word, aliases=tuple(rest)))
    return tuple(stays)


def _rule(mine: Rule, theirs: Rule, was: Rule) -> Rule:
    own, before = ({each.code: each for each in body.forbids} for body in (mine, was))
    stays = [_attribute(own.get(each.code), each, before.get(each.code)) for each in theirs.forbids]
    given, banned = {each.code for each in theirs.forbids}, _words(theirs) | _words(was)
    for each in (each for each in mine.forbids if each.code not in given):
        added = tuple(word for word in each.words if word not in banned)
        if each.code not in before:
            stays.append(each)
        elif added:
            stays.append(each.model_copy(update={"words": added}))
    return theirs.model_copy(update={"forbids": tuple(stays)})


def _attribute(
    mine: ForbiddenAttribute | None, theirs: ForbiddenAttribute, was: ForbiddenAttribute | None
) -> ForbiddenAttribute:
    if mine is None:
        return theirs
    known = (*theirs.words, *(was.words if was is not None else ()))
    dropped = set(was.unless if was is not None else ()) - set(mine.unless)
    return theirs.model_copy(
        update={
            "words": (*theirs.words, *(word for word in mine.words if word not in known)),
            "unless": tuple(word for word in theirs.unless if word not in dropped),
        }
    )


def _words(rule: Rule) -> set[str]:
    return {word for each in rule.forbids for word in each.words}
