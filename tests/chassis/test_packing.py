"""Bodies as they are kept: packed ones are read by the dictionary they name, what is plain as it is."""

import threading
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import islice
from random import Random
from uuid import uuid4

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.faults import Fault, fault_of
from creditmesh.chassis.packing import FRAME, MOST, Unpackable, pack, size_of, unpack
from creditmesh.schemas.events import RecordPurged
from samples.dictionary import FOLDER, SEED, bodies
from tests.support.bodies import of_dictionary
from tests.support.canary import Secret, sightings

DIGESTS = {32769: "325a7acea22ddf226f9053c5b22766173ab919de132ea11317cfef3ed16344ce"}
"""What is written with these is read by no others: a line is added, and none is ever changed."""
KEPT = bytes.fromhex("28b52ffd2201805c1d01002341031b59641863c430c618618c310606fc9c7886458d73574e7e9410195bf1940a69")
"""A body as version 0.1 keeps it."""
SAID = b'{"record":"019f0000-0000-7000-8000-000000000001","fields":{"CF_CFLB":"\xe8\xad\xa6\xe5\x91\x8a"},"related":[]}'


def test_the_dictionaries_are_the_files_that_their_ids_say():
    found = {int(path.stem): sha256(path.read_bytes()).hexdigest() for path in FOLDER.iterdir()}
    assert found == DIGESTS
    for id_ in found:
        assert zstandard.ZstdCompressionDict((FOLDER / f"{id_}.zdict").read_bytes()).dict_id() == id_


def test_what_was_kept_before_stays_readable():
    assert unpack(KEPT) == SAID


@given(st.binary(max_size=5000) | st.text(max_size=2000).map(str.encode))
def test_whatever_is_packed_comes_back(body: bytes):
    assert unpack(pack(body)) == body
    assert size_of(pack(body)) == len(body)


@given(st.dictionaries(st.text(), st.text()).map(orjson.dumps))
def test_json_that_was_kept_plain_is_read_as_it_is(body: bytes):
    assert unpack(body) is body
    assert size_of(body) == len(body)


def test_records_of_another_seed_are_packed_to_a_third():
    said = list(islice(bodies(Random(SEED + 1)), 500))
    assert sum(len(pack(body)) for body in said) * 3 < sum(map(len, said))


def test_a_frame_of_an_unknown_dictionary_is_an_error_that_names_it_and_waits_for_an_operator():
    kept = of_dictionary(40000, SAID)
    with pytest.raises(Unpackable, match="dictionary 40000") as raised:
        unpack(kept)
    assert "40000" in raised.value.detail_zh
    assert fault_of(raised.value, 0) == Fault.INSTALLATION, "an event is not given up for it"
    with pytest.raises(Unpackable, match="dictionary 40000"):
        delivered(kept).read(RecordPurged)


@pytest.mark.parametrize("damaged", [pack(SAID)[:-1], pack(SAID) + b"x", FRAME, FRAME + b"xxxxxxxxxxxxxxx"])
def test_damaged_bytes_are_an_error(damaged: bytes):
    with pytest.raises(Unpackable):
        unpack(damaged)
    assert delivered(damaged).weight == 1, "it comes to who reads it, and stops there"


@pytest.mark.parametrize("says_its_size", [True, False])
def test_no_more_is_unpacked_than_was_ever_packed(*, says_its_size: bool):
    with pytest.raises(ValueError, match="is packed"):
        pack(bytes(MOST + 1))
    large = zstandard.ZstdCompressor(write_content_size=says_its_size).compress(bytes(MOST + 1))
    with pytest.raises(Unpackable):
        unpack(large)


def test_threads_pack_side_by_side():
    said, found = [b"%d" % n * 500 for n in range(200)], dict[int, list[bytes]]()

    def work(n: int) -> None:
        found[n] = [unpack(pack(body)) for body in said]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert list(found.values()) == [said] * 4


def delivered(data: bytes) -> Delivered:
    return Delivered(
        stream="ingestion", part=0, number=1, before=None, id=uuid4(), type=RecordPurged.type, version=1, key="k",
        at=datetime.now(UTC), legal_date=date(2026, 1, 1), traceparent=None, data=data,
    )  # fmt: skip


def test_an_event_is_read_and_weighed_alike_packed_or_plain():
    told = RecordPurged(record=uuid4(), subject=uuid4(), item="penalty", named=tuple(uuid4() for _ in range(400)))
    body = told.model_dump_json().encode()
    plain, packed = delivered(body), delivered(pack(body))
    assert len(packed.data) < len(body)
    assert packed.read(RecordPurged) == plain.read(RecordPurged) == told
    assert packed.body == plain.body == body
    assert packed.weight == plain.weight > 1


def test_a_scan_for_what_must_be_nowhere_in_clear_reads_what_is_packed():
    secret = Secret("a person's name", "鸣禽某甲氏")
    for body in islice(bodies(Random(SEED + 2)), 50):
        kept = pack(body.replace(b'"fields":{', b'"fields":{"CF_XDR_MC":"%s",' % secret.text.encode()))
        assert secret.text.encode() not in kept, "whoever looks at the bytes alone sees nothing"
        found = sightings([("ingestion.revision.data", kept), ("clean", pack(body))], [secret])
        assert {each.place for each in found} in ({"ingestion.revision.data"}, set()), found
        assert found or b'"fields":{' not in body
