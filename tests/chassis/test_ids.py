"""Ids of the driver's class in models: made, compared and written as the library's, wherever in a model they stand."""

from uuid import UUID, uuid4

import pytest
from asyncpg.pgproto import pgproto
from pydantic import BaseModel, ValidationError

from creditmesh.chassis.ids import new_id, random_id, reader


class Inner(BaseModel):
    about: UUID
    words: tuple[str, ...] = ()


class Outer(BaseModel):
    id: UUID
    other: UUID | None = None
    inner: Inner
    more: tuple[Inner, ...] = ()
    by_word: dict[str, UUID] = {}


def ids_of(read: Outer) -> list[UUID | None]:
    return [read.id, read.other, read.inner.about, *(each.about for each in read.more), *read.by_word.values()]


def test_ids_are_the_drivers_at_every_depth_and_the_model_is_equal():
    given = Outer(
        id=uuid4(), other=uuid4(), inner=Inner(about=uuid4()), more=(Inner(about=uuid4()),), by_word={"a": uuid4()}
    )
    read = reader(Outer)(given.model_dump_json().encode())
    assert {type(each) for each in ids_of(read)} == {pgproto.UUID}
    assert type(read.inner) is Inner
    assert read == given
    assert list(map(hash, ids_of(read))) == list(map(hash, ids_of(given)))
    assert read.model_dump_json() == given.model_dump_json()
    assert reader(Outer)(given.model_copy(update={"other": None}).model_dump_json().encode()).other is None


@pytest.mark.parametrize("bad", ["", "nobody", "z" * 32, "1234"])
def test_what_is_no_id_is_refused(bad: str):
    with pytest.raises(ValidationError):
        reader(Inner)(b'{"about": "%s"}' % bad.encode())


def test_the_model_itself_is_left_as_it_is():
    reader(Inner)
    assert type(Inner.model_validate_json(b'{"about": "%s"}' % str(uuid4()).encode()).about) is UUID


def test_new_ids_are_later_and_random_ones_of_version_four():
    assert new_id() < new_id()
    assert random_id().version == 4
