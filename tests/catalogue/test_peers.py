"""Enrolling a peer is publishing its row: what must be in it, who becomes known, and what is handed over."""

from base64 import b64decode
from typing import Any

import pytest

from creditmesh.catalogue import operations as catalogue
from creditmesh.catalogue.acceptance import ProposedCatalogue, findings
from creditmesh.catalogue.objects import CatalogueObject, entry_of
from creditmesh.schemas.catalogue import Party
from tests.catalogue import neighbour
from tests.support.node import TestNode

PEERS = "/v1/admin/peers"


async def told(node: TestNode) -> dict[str, Any]:
    answer = await node.operator().get(PEERS)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def enrolled(node: TestNode, row: dict[str, Any]) -> dict[str, Any]:
    answer = await node.operator().post(PEERS, json=row)
    assert answer.status_code == 200, answer.text
    await node.settled()
    found: dict[str, Any] = answer.json()
    return found


async def refused(node: TestNode, row: dict[str, Any]) -> set[tuple[str, str]]:
    answer = await node.operator().post(PEERS, json=row)
    assert answer.status_code == 422, answer.text
    errors = answer.json()["errors"]
    assert all(error["detail"] and error["detail_zh"] for error in errors)
    return {(error["pointer"], error["code"]) for error in errors}


async def test_before_its_row_is_published_a_node_has_nothing_to_hand_over(empty: TestNode):
    assert await told(empty) == {"own": None, "peers": [], "refused": []}


async def test_a_node_hands_over_its_row_with_the_keys_it_holds(shelf: TestNode):
    own = (await told(shelf))["own"]
    assert (own["code"], own["kind"], own["place"], own["active"]) == ("city", "node", None, True)
    keys = shelf.host.equipment["catalogue"].keys
    assert {(key["use"], key["id"], b64decode(key["public"])) for key in own["keys"]} == {
        (use, keys.public(use).id, keys.public(use).raw) for use in ("node", "feed")
    }


async def test_what_one_node_hands_over_another_enrols(shelf: TestNode, empty: TestNode):
    own = (await told(shelf))["own"]
    handed = {**own, "code": "citya", "url": "http://127.0.0.1:8000", "place": "below"}
    assert (await enrolled(empty, handed))["sends_for"] == ["citya"]
    directory = empty.host.followed
    assert [party.code for party in directory.peers("below")] == ["citya"]
    assert directory.peers("above") == ()
    key = own["keys"][0]
    assert directory.peer_key("citya", key["id"]) == b64decode(key["public"])


async def test_a_peer_is_enrolled_once_changed_and_taken_out_and_enrolled_again(empty: TestNode):
    row = await enrolled(empty, neighbour.row(url="https://province.invalid/"))
    assert row["url"] == "https://province.invalid"
    number = empty.host.followed.number
    await enrolled(empty, neighbour.row(url="https://province.invalid"))
    assert empty.host.followed.number == number, "what is there already is left as it is"
    await enrolled(empty, row | {"active": False})
    assert empty.host.followed.peers("above") == ()
    assert empty.host.followed.peer_key("province", "node-province") is None
    assert [(peer["code"], peer["active"]) for peer in (await told(empty))["peers"]] == [("province", False)]
    await enrolled(empty, row)
    assert [party.code for party in empty.host.followed.peers("above")] == ["province"]


async def test_a_row_that_leaves_out_where_a_peer_stands_is_taken_out_as_any(empty: TestNode):
    row = await enrolled(empty, neighbour.row())
    less = {name: value for name, value in row.items() if name not in {"place", "url"}}
    async with empty.context("catalogue") as ctx:
        await catalogue.publish(ctx, [entry_of("party", less)], issued_by="city")
    await empty.settled()
    [listed] = (await told(empty))["peers"]
    assert (listed["place"], listed["url"], listed["active"]) == ("above", row["url"], True)
    assert [party.url for party in empty.host.followed.peers("above")] == [row["url"]]
    await enrolled(empty, listed | {"active": False})
    assert empty.host.followed.peers("above") == ()


async def test_a_province_has_two_cities_and_each_sends_for_its_own(empty: TestNode):
    await enrolled(empty, neighbour.row("citya", place="below"))
    await enrolled(empty, neighbour.row("cityb", place="below", sends_for=["cityb", "countyb"]))
    assert {peer.code: peer.sends_for for peer in empty.host.followed.peers("below")} == {
        "citya": ("citya",),
        "cityb": ("cityb", "countyb"),
    }


def with_key(number: int, **other: object) -> dict[str, Any]:
    keys = neighbour.row()["keys"]
    keys[number] |= other
    return neighbour.row(keys=keys)


KEYS = neighbour.row()["keys"]
SHORT = "bm9wZQ=="


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (neighbour.row("city"), ("/code", "own_code")),
        (neighbour.row("court"), ("/code", "no_node")),
        (neighbour.row("a.node"), ("/code", "node_code")),
        (neighbour.row(kind="association"), ("/kind", "kind")),
        (neighbour.row(place=None), ("/place", "no_place")),
        (neighbour.row(place=None, active=False), ("/place", "no_place")),
        (neighbour.row(url=None), ("/url", "no_address")),
        (neighbour.row(url="ftp://province.invalid"), ("/url", "address")),
        (neighbour.row(url="province.invalid:8443"), ("/url", "address")),
        (neighbour.row(url="http://"), ("/url", "address")),
        (neighbour.row(url="http://user:secret@province.invalid"), ("/url", "address")),
        (neighbour.row(url="http://province.invalid/mesh"), ("/url", "address")),
        (neighbour.row(url="http://province.invalid:99999"), ("/url", "address")),
        (neighbour.row(keys=KEYS[1:]), ("/keys", "no_node_key")),
        (neighbour.row(keys=KEYS[:1]), ("/keys", "no_feed_key")),
        (neighbour.row(keys=[*KEYS, KEYS[0]]), ("/keys", "key_twice")),
        (with_key(0, public=SHORT), ("/keys/0/public", "public_key")),
        (with_key(1, public="not base64"), ("/keys/1/public", "public_key")),
        (with_key(0, alg="x25519"), ("/keys/0/alg", "algorithm")),
        (with_key(0, id="a/b"), ("/keys/0/id", "key_id")),
        (neighbour.row(sends_for=["province"]), ("/sends_for", "not_below")),
        (neighbour.row(uscc="119900000000000AAA"), ("/uscc", "check_digit")),
        (neighbour.row(uscc="11990000000000043T"), ("/uscc", "code_taken")),
        (neighbour.row(place="beside"), ("/place", "literal_error")),
        (neighbour.row(secret="x"), ("/secret", "extra_forbidden")),
    ],
)
async def test_a_row_that_nobody_can_be_trusted_by_is_refused(
    shelf: TestNode, row: dict[str, Any], wrong: tuple[str, str]
):
    assert wrong in await refused(shelf, row)
    assert (await told(shelf))["peers"] == []


@pytest.mark.parametrize("said", [{"place": "above"}, {"url": "http://x.invalid"}, {"sends_for": ["city"]}])
async def test_only_a_node_has_what_nodes_have(shelf: TestNode, said: dict[str, Any]):
    court = shelf.host.followed.party("court")
    entries = (CatalogueObject("party", Party.model_validate({**court.model_dump(), **said})),)
    found = findings(entries, ProposedCatalogue({}, entries), issued_by="city", sandbox=True)
    assert {error.code for error in found} == {"not_a_node"}


async def test_the_routes_are_the_operators_alone(shelf: TestNode):
    for method in ("GET", "POST"):
        answer = await shelf.client("catalogue").request(method, PEERS)
        assert answer.status_code in {401, 404}
