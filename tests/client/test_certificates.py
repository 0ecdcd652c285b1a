"""A certificate verifies off line: signature, acknowledgements, places in the log; and nothing that was altered."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from creditmesh.client import Unverified
from creditmesh.client.certificates import check
from creditmesh.client.pins import pin
from creditmesh.schemas.acknowledgements import Acknowledgement, EntryRefusal, Proof
from creditmesh.schemas.cases import Certificate, CertificateLine
from creditmesh.schemas.exchange import EntryLine
from creditmesh.schemas.signed import SignedText, said, sign
from creditmesh.schemas.tlog import Range, fold, inclusion_plan, leaf_hash
from tests.client.feed import FeedLog
from tests.client.test_cli_pull import run, verify

CITY = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
PROVINCE = Ed25519PrivateKey.from_private_bytes(bytes([8]) * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32)
AT = datetime(2026, 3, 2, tzinfo=UTC)
LOG = FeedLog().grow(11)
PLACE = 5
RECORD = EntryLine.model_validate_json(LOG.entries[PLACE].line).record


def text_of(public: Ed25519PrivateKey) -> str:
    return b64encode(public.public_key().public_bytes_raw()).decode()


def repaired(log: FeedLog) -> list[str]:
    """The lines of the log, the one at PLACE saying that its record was repaired."""
    lines = [each.line for each in log.entries]
    lines[PLACE] = (
        EntryLine.model_validate_json(lines[PLACE]).model_copy(update={"change": "repaired"}).model_dump_json()
    )
    return lines


def proof(*, refused: tuple[EntryRefusal, ...] = (), signer: Ed25519PrivateKey = PROVINCE, **changes) -> Proof:
    lines = repaired(LOG)
    leaves = [leaf_hash(line.encode()) for line in lines]
    grown, completed = Range.empty().extended(leaves)
    subtrees = {(0, index): leaf for index, leaf in enumerate(leaves)}
    subtrees |= {(level, index): hashed for level, index, hashed in completed}
    path = [fold(subtrees[place] for place in places).hex() for places in inclusion_plan(PLACE, grown.size)]
    given = {"feed": LOG.origin, "by": "province", "first": 4, "until": 8, "size": grown.size, "at": AT, "above": ()}
    given |= {"root": grown.root().hex(), "refused": refused, "key": "p1", "alg": "ed25519"} | changes
    acknowledgement = Acknowledgement.model_construct(**given)  # also what the model would not take
    return Proof(
        acknowledgement=sign(acknowledgement, by=signer.sign),
        public=text_of(PROVINCE),
        index=PLACE,
        line=lines[PLACE],
        path=tuple(path),
    )


def certificate(*lines: CertificateLine, by: Ed25519PrivateKey = CITY, **changes) -> SignedText:
    pending = tuple(line.holder for line in lines if line.outcome != "acknowledged" and line.kind != "bureau")
    about = {"node": "city", "case": RECORD, "kind": "repair", "record": RECORD, "item": "penalty", "rev": 1}
    about |= {"change": "repaired", "decided_on": AT.date(), "complete": not pending, "pending": pending}
    about |= {"issued_at": AT, "key": "c1", "alg": "ed25519", "public": text_of(CITY), "lines": lines} | changes
    return sign(Certificate(**about), by=by.sign)


def line(holder: str = "province", **changes) -> CertificateLine:
    return CertificateLine(**{"holder": holder, "kind": "node", "outcome": "acknowledged", "at": AT} | changes)


GOOD = certificate(
    line(proof=proof()),
    line("nation", outcome="not_told"),
    line("p.housing", kind="department", outcome="acknowledged"),
    line("alpha_credit", kind="bureau", outcome="unreachable", reachable=False),
)
CODE = "not_in_catalogue"
REFUSED = (EntryRefusal(index=4, code="other"), EntryRefusal(index=PLACE, code=CODE))


def test_a_certificate_with_a_proof_of_each_node_above_holds():
    check(GOOD, trusted=[text_of(CITY)])
    check(certificate(line(outcome="refused", code=CODE, proof=proof(refused=REFUSED))))
    check(certificate(line(proof=proof(above=("nation",), kept=(PLACE,))), above=("province",)))
    check(certificate())


def with_text(signed: SignedText, old: str, new: str) -> SignedText:
    """The same signature over another text."""
    assert old in signed.signed
    return signed.model_copy(update={"signed": signed.signed.replace(old, new, 1)})


def _spelled_otherwise(whole: SignedText) -> SignedText:
    """The same 64 bytes in another base64: the last character has bits that stand for nothing."""
    text = whole.signature
    other = text[:-3] + chr(ord(text[-3]) + 1) + "=="
    assert b64decode(other) == b64decode(text)
    return whole.model_copy(update={"signature": other})


FALSE: dict[str, tuple[str, Callable[[], SignedText]]] = {
    "altered after it was signed": ("signature", lambda: with_text(GOOD, '"rev":1', '"rev":2')),
    "signed by another key": ("signature", lambda: certificate(line(proof=proof()), by=PROVINCE)),
    "with another spelling of its signature": ("signature", lambda: _spelled_otherwise(GOOD)),
    "of another algorithm": ("signature", lambda: certificate(alg="none")),
    "without a proof": ("proof", lambda: certificate(line())),
    "of another record": ("entry", lambda: certificate(line(proof=proof()), record=UUID(int=99))),
    "of another revision": ("entry", lambda: certificate(line(proof=proof()), rev=2)),
    "of another change": ("entry", lambda: certificate(line(proof=proof()), change="withdrawn")),
    "with a line that is none": (
        "entry",
        lambda: certificate(line(proof=proof().model_copy(update={"line": "{}"}))),
    ),
    "acknowledged by another node": ("holder", lambda: certificate(line("nation", proof=proof()))),
    "acknowledged with another key": ("acknowledgement", lambda: certificate(line(proof=proof(signer=CITY)))),
    "with an acknowledgement that was altered": (
        "acknowledgement",
        lambda: certificate(
            line(
                proof=proof().model_copy(
                    update={"acknowledgement": with_text(proof().acknowledgement, '"until":8', '"until":9')}
                )
            )
        ),
    ),
    "not among the entries acknowledged": ("inclusion", lambda: certificate(line(proof=proof(until=PLACE)))),
    "before the entries acknowledged": ("inclusion", lambda: certificate(line(proof=proof(first=PLACE + 1)))),
    "beyond the tree": ("inclusion", lambda: certificate(line(proof=proof(until=20)))),
    "acknowledged of a stranger's feed": ("feed", lambda: certificate(line(proof=proof(feed="creditmesh/other/up")))),
    "under another root": ("inclusion", lambda: certificate(line(proof=proof(root="00" * 32)))),
    "under a root that is none": ("acknowledgement", lambda: certificate(line(proof=proof(root="no")))),
    "at another index": (
        "inclusion",
        lambda: certificate(line(proof=proof().model_copy(update={"index": PLACE + 1}))),
    ),
    "refused, and said to be acknowledged": ("outcome", lambda: certificate(line(proof=proof(refused=REFUSED)))),
    "acknowledged, and said to be refused": (
        "outcome",
        lambda: certificate(line(outcome="refused", code=CODE, proof=proof())),
    ),
    "refused for another reason": (
        "outcome",
        lambda: certificate(line(outcome="refused", code="x", proof=proof(refused=REFUSED))),
    ),
    "complete without a node above that owes an answer": (
        "left_out",
        lambda: certificate(line(proof=proof(above=("nation",)))),
    ),
    "complete by a department of the same code": (
        "left_out",
        lambda: certificate(line(kind="department"), above=("province",)),
    ),
    "complete by a bureau of the same code": (
        "left_out",
        lambda: certificate(line(kind="bureau", outcome="unreachable"), above=("province",)),
    ),
    "with two lines of one holder": ("twice", lambda: certificate(line(proof=proof()), line(proof=proof()))),
    "with a proof of a department": ("holder", lambda: certificate(line(kind="department", proof=proof()))),
    "with a proof of the node itself": (
        "holder",
        lambda: certificate(line("city", proof=proof(by="city")), node="city"),
    ),
    "complete by an answer that does not say who stands above": (
        "left_out",
        lambda: certificate(line(proof=proof(above=None))),
    ),
    "complete without the node directly above": ("left_out", lambda: certificate(above=("province",))),
    "complete although a node refused it": (
        "pending",
        lambda: certificate(
            line(outcome="refused", code=CODE, proof=proof(refused=REFUSED)), pending=(), complete=True
        ),
    ),
    "said to be complete": (
        "pending",
        lambda: certificate(line(outcome="told"), complete=True),
    ),
    "with somebody left out of pending": (
        "pending",
        lambda: certificate(line(outcome="told"), pending=(), complete=True),
    ),
}


@pytest.mark.parametrize("how", FALSE)
def test_a_certificate_does_not_hold(how):
    code, made = FALSE[how]
    with pytest.raises(Unverified) as told:
        check(made())
    assert told.value.code == code
    assert told.value.detail_zh


def test_a_certificate_that_somebody_else_made_is_found_out_by_the_key_the_node_publishes():
    forged = certificate(line(proof=proof()), by=PROVINCE, public=text_of(PROVINCE))
    check(forged)
    with pytest.raises(Unverified, match="another key"):
        check(forged, trusted=[text_of(CITY)])


TEXT = GOOD.model_dump_json().encode()


@given(st.integers(0, len(TEXT) - 1), st.integers(0, 7))
def test_no_bit_of_a_certificate_can_be_changed(at: int, bit: int):
    altered = TEXT[:at] + bytes([TEXT[at] ^ 1 << bit]) + TEXT[at + 1 :]
    try:
        read = SignedText.model_validate_json(altered)
    except ValidationError:
        return
    if read != GOOD:
        with pytest.raises(Unverified):
            check(read)


def test_what_a_newer_version_signs_beside_holds_and_is_ignored():
    newer = said(Certificate, GOOD).model_dump(mode="json") | {"added_later": {"x": 1}}
    text = json.dumps(newer)
    assert check(SignedText(signed=text, signature=b64encode(CITY.sign(text.encode())).decode())) == said(
        Certificate, GOOD
    )


def test_a_certificate_that_was_kept_when_its_members_stood_beside_the_signature_still_holds():
    members = json.loads(GOOD.signed)
    text = json.dumps(members, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    kept = members | {"signature": b64encode(CITY.sign(text.encode())).decode()}
    assert check(SignedText.model_validate(kept)) == said(Certificate, GOOD)
    with pytest.raises(Unverified):
        check(SignedText.model_validate(kept | {"official_note": "nobody signed this"}))


def test_the_command_says_who_knows_who_does_not_and_which_key_it_trusted(remote, tmp_path):
    file = tmp_path / "certificate.json"
    file.write_bytes(TEXT)
    done = verify(remote, file)
    assert done.returncode == 0, done.stderr
    for word in ("province", "已收讫", "creditmesh/city/up #5", "nation", "未发送", "待其下次查询"):
        assert word in done.stdout
    assert "Not answered yet: nation." in done.stderr
    assert text_of(CITY) in done.stderr
    given = verify(remote, file, "--public", text_of(CITY), "--json")
    assert (given.returncode, given.stderr) == (0, "")
    assert json.loads(given.stdout)["pending"] == ["nation"]


def test_the_keys_of_nodes_are_pinned_as_first_seen_and_others_taken_on_purpose_alone(remote, tmp_path, pins):
    def verified(*lines, by: Ed25519PrivateKey = CITY, options: tuple[str, ...] = ()):
        file = tmp_path / "certificate.json"
        file.write_bytes(certificate(*lines, by=by, public=text_of(by)).model_dump_json().encode())
        return verify(remote, file, "--json", *options)

    first = verified(line(proof=proof()))
    assert first.returncode == 0
    assert {text_of(CITY), text_of(PROVINCE)} <= set(first.stderr.replace(",", " ").split())
    assert json.loads(pins.read_text()) == {"city": [text_of(CITY)], "province": [text_of(PROVINCE)]}
    assert verified(line(proof=proof())).stderr == ""
    forged = proof(signer=OTHER).model_copy(update={"public": text_of(OTHER)})
    for changed in (verified(line(proof=forged)), verified(by=OTHER)):
        assert (changed.returncode, json.loads(changed.stdout)["error"]["code"]) == (1, "key_changed")
    assert verified(by=OTHER, options=("--public", text_of(OTHER))).returncode == 0
    assert verified(line(proof=forged), options=("--repin",)).returncode == 0
    for whole in (proof(), forged):
        assert verified(line(proof=whole)).returncode == 0


def test_of_many_who_pin_at_once_none_loses_what_another_pinned(tmp_path):
    file = tmp_path / "kept" / "nodes.json"
    nodes = [f"n{number}" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda node: pin(file, {node: "key"}, again=False), nodes))
    assert json.loads(file.read_text()) == {node: ["key"] for node in nodes}


def test_a_file_of_pins_that_is_none_is_named(remote, tmp_path, pins):
    pins.parent.mkdir()
    pins.write_text("[]")
    file = tmp_path / "certificate.json"
    file.write_bytes(TEXT)
    done = verify(remote, file)
    assert done.returncode == 2
    assert "nodes.json" in done.stderr


def test_the_command_says_what_does_not_fit_and_what_is_no_certificate(remote, tmp_path):
    file = tmp_path / "certificate.json"
    file.write_bytes(TEXT.replace(b'\\"rev\\":1', b'\\"rev\\":2', 1))
    done = verify(remote, file)
    assert done.returncode == 1
    assert "DOES NOT FIT" in done.stdout
    assert "签名" in done.stderr
    other = verify(remote, file, "--public", text_of(PROVINCE), "--json")
    assert (other.returncode, json.loads(other.stdout)["error"]["code"]) == (1, "key")
    file.write_text("{}")
    assert run(remote, "verify", file).returncode == 2


@pytest.mark.parametrize(
    ("code", "altered"),
    [
        ("not_covered", TEXT.replace(b"{", b'{"official_note": "checked by the office", ', 1)),
        ("not_covered", TEXT.replace(b"{", b'{"complete": false, ', 1)),
        ("contradictory", TEXT.replace(b"{", b'{"signature": "", ', 1)),
        ("contradictory", TEXT.replace(b"{", b'{"signed": "{}", ', 1)),
    ],
)
def test_the_command_refuses_what_nobody_signed_and_what_stands_twice(remote, tmp_path, code, altered):
    file = tmp_path / "certificate.json"
    file.write_bytes(altered)
    done = verify(remote, file, "--json")
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (1, code)
    assert "DOES NOT FIT" in verify(remote, file).stdout
