"""What a lower tier's code set or rule becomes over a new version from above: what it added and took away, once more.

Other objects are narrower or give way as a whole. Of these two that would lose something either way: an old set of
eleven duties over a new one of fifty leaves what names the new ones without, and a ban that somebody added ends because
others were added beside it. So both are told by their parts, against the version that was changed (`was`).
"""

from creditmesh.schemas.catalogue import CodeSet, Rule
from creditmesh.schemas.catalogue.code_set import CodeValue, ForbiddenAttribute
from creditmesh.schemas.catalogue.narrowing import wider
from creditmesh.schemas.histories import Published


def merged(mine: Published, theirs: Published, was: Published | None) -> Published | None:
    """Theirs with what `mine` had made of `was`; None where the object is neither a code set nor a rule."""
    if isinstance(mine, CodeSet) and isinstance(theirs, CodeSet):
        return _set(mine, theirs, was if isinstance(was, CodeSet) else mine)
    if isinstance(mine, Rule) and isinstance(theirs, Rule):
        return _rule(mine, theirs, was if isinstance(was, Rule) else theirs)
    return None


def lost(mine: Published, theirs: Published) -> bool:
    """Whether a value or a ban of `mine` is not in theirs."""
    if isinstance(mine, CodeSet) and isinstance(theirs, CodeSet):
        return not {each.value for each in mine.values} <= {each.value for each in theirs.values}
    if isinstance(mine, Rule) and isinstance(theirs, Rule):
        return not _bans(mine) <= _bans(theirs)
    return False


def _set(mine: CodeSet, theirs: CodeSet, was: CodeSet) -> CodeSet:
    own, before = {each.value: each for each in mine.values}, {each.value for each in was.values}
    stays = [
        _value(own.get(each.value), each) for each in theirs.values if each.value in own or each.value not in before
    ]
    if mine.is_stricter_with_more:
        given = {each.value for each in theirs.values}
        stays = [*theirs.values, *(each for each in mine.values if each.value not in before | given)]
    return theirs.model_copy(update={"values": tuple(stays), "open": theirs.open and mine.open})


def _value(mine: CodeValue | None, theirs: CodeValue) -> CodeValue:
    return theirs if mine is None or next(wider(mine, theirs), None) is not None else mine


def _rule(mine: Rule, theirs: Rule, was: Rule) -> Rule:
    own, before = ({each.code: each for each in body.forbids} for body in (mine, was))
    stays = [_attribute(own.get(each.code), each, before.get(each.code)) for each in theirs.forbids]
    given = {each.code for each in theirs.forbids}
    added = (each for each in mine.forbids if each.code not in given | before.keys())
    return theirs.model_copy(update={"forbids": (*stays, *added)})


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


def _bans(rule: Rule) -> set[tuple[str, str]]:
    return {(each.code, word) for each in rule.forbids for word in each.words}
