"""`creditmesh verify` finds out what a file is: receipts and acknowledgements beside certificates and feeds."""

import json
import os
import pwd
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from creditmesh.client.cli import options
from creditmesh.schemas import authorisation_text
from creditmesh.schemas.acknowledgements import Acknowledgement
from creditmesh.schemas.rules.calendar import shanghai_day
from creditmesh.schemas.signed import SignedText, sign
from creditmesh.schemas.verdicts import Receipt
from tests.client.test_cli_pull import run

CITY = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
PUBLIC = b64encode(CITY.public_key().public_bytes_raw()).decode()
STRANGER = b64encode(Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32).public_key().public_bytes_raw()).decode()
VERDICTS = b'{"row":1,"verdict":"accepted","item":"administrative_penalty"}\n'
RECEIPT = sign(
    Receipt(
        submission=UUID(int=1),
        node="city",
        item="administrative_penalty",
        rows=1,
        accepted=1,
        unchanged=0,
        corrected=0,
        held=0,
        refused=0,
        digest=f"sha-256:{sha256(VERDICTS).hexdigest()}",
        key="c1",
        alg="ed25519",
    ),
    by=CITY.sign,
)
ACKNOWLEDGEMENT = sign(
    Acknowledgement(
        feed="creditmesh/town/up",
        by="city",
        first=0,
        until=3,
        size=3,
        root="0" * 64,
        at=datetime(2026, 3, 2, tzinfo=UTC),
        key="c1",
        alg="ed25519",
    ),
    by=CITY.sign,
)


TODAY = shanghai_day(datetime.now(UTC))
CLAIMS = authorisation_text.Claims(
    iss="city/query",
    jti=UUID(int=2),
    iat=1,
    sub="handle",
    grantee="alpha_credit",
    purpose="credit_assessment",
    items=("administrative_penalty",),
    valid_from=TODAY,
    valid_until=TODAY + timedelta(days=90),
    max_uses=3,
)
TOKEN = authorisation_text.sign(CLAIMS, key_id="c1", signature=CITY.sign)


def written(tmp_path, signed: SignedText, **beside: object):
    file = tmp_path / "kept.json"
    file.write_text(json.dumps(signed.model_dump() | beside))
    return file


def verify(remote, file, *options):
    done = run(remote, "verify", file, *options)
    assert remote.asked == []
    return done


@pytest.mark.parametrize(("signed", "kind"), [(RECEIPT, "receipt"), (ACKNOWLEDGEMENT, "acknowledgement")])
def test_what_a_file_is_is_found_and_the_key_that_was_believed_is_said(remote, tmp_path, signed, kind):
    file = written(tmp_path, signed)
    told = json.loads(verify(remote, file, "--public", PUBLIC, "--json").stdout)
    assert (told["kind"], told["publics"]) == (kind, [PUBLIC])
    assert PUBLIC in verify(remote, file, "--public", STRANGER, "--public", PUBLIC).stdout


@pytest.mark.parametrize("signed", [RECEIPT, ACKNOWLEDGEMENT])
def test_another_key_another_text_and_members_that_nobody_signed_do_not_fit(remote, tmp_path, signed):
    wrong = verify(remote, written(tmp_path, signed), "--public", STRANGER)
    assert (wrong.returncode, "DOES NOT FIT" in wrong.stdout) == (1, True)
    altered = signed.model_copy(update={"signed": signed.signed.replace(":1,", ":2,").replace(":3,", ":4,")})
    assert altered != signed
    assert verify(remote, written(tmp_path, altered), "--public", PUBLIC).returncode == 1
    beside = verify(remote, written(tmp_path, signed, accepted=9), "--public", PUBLIC, "--json")
    assert (beside.returncode, json.loads(beside.stdout)["error"]["code"]) == (1, "not_covered")


def test_a_persons_authorisation_is_checked_and_what_it_permits_is_said(remote, tmp_path):
    file = tmp_path / "permission.jws"
    file.write_text(TOKEN + "\n")
    told = verify(remote, file, "--public", PUBLIC)
    assert (told.returncode, "alpha_credit" in told.stdout) == (0, True), told.stderr
    assert f"from {CLAIMS.valid_from} until before {CLAIMS.valid_until}," in told.stdout
    assert f"{CLAIMS.valid_from} 起，{CLAIMS.valid_until} 失效" in told.stdout
    for who in (
        "to a bureau with creditmesh authorisations hand-in",
        "to the person with creditmesh authorisations list",
    ):
        assert who in told.stderr
    document = json.loads(verify(remote, file, "--public", PUBLIC, "--json").stdout)
    assert (document["kind"], document["node"], document["publics"]) == ("authorisation", "city", [PUBLIC])
    assert (document["until"], document["today"]) == (str(CLAIMS.valid_until), "within")
    assert verify(remote, file, "--public", STRANGER).returncode == 1
    assert verify(remote, file).returncode == 2
    head, claims, signature = TOKEN.split(".")
    for altered in (f"{head}.{claims}.{signature[::-1]}", f"{head}.{claims.swapcase()}.{signature}", head):
        file.write_text(altered)
        assert verify(remote, file, "--public", PUBLIC).returncode in {1, 2}


@pytest.mark.parametrize(
    ("days", "today", "line"),
    [
        ((-31, 0), "expired", "已失效 over"),
        ((-31, 1), "within", None),
        ((2, 3), "not_yet", "尚未生效 not yet in force"),
    ],
)
def test_an_authorisation_of_which_today_is_no_day_does_not_pass(remote, tmp_path, days, today, line):
    first, end = (TODAY + timedelta(days=number) for number in days)
    claims = CLAIMS.model_copy(update={"valid_from": first, "valid_until": end})
    file = tmp_path / "permission.jws"
    file.write_text(authorisation_text.sign(claims, key_id="c1", signature=CITY.sign))
    told = verify(remote, file, "--public", PUBLIC)
    code = 0 if line is None else 1
    assert (told.returncode, line is None or line in told.stdout.splitlines()) == (code, True)
    document = verify(remote, file, "--public", PUBLIC, "--json")
    assert (document.returncode, json.loads(document.stdout)["today"]) == (code, today)


@pytest.mark.parametrize("text", [json.dumps(RECEIPT.model_dump()), json.dumps(ACKNOWLEDGEMENT.model_dump()), TOKEN])
def test_the_node_for_which_a_key_is_believed_is_the_first_thing_said(remote, tmp_path, text):
    file = tmp_path / "kept"
    file.write_text(text)
    assert verify(remote, file, "--public", PUBLIC).stdout.startswith("签署节点 signed for: city\n")


def test_a_text_that_nobody_signed_writes_no_line_and_moves_no_cursor(remote, tmp_path):
    escape = "\n\x1b[1;32mfits: city\x9b8m\u202e"
    beside = verify(remote, written(tmp_path, RECEIPT, **{escape: 1}), "--public", PUBLIC)
    assert (beside.returncode, "??[1;32mfits: city?8m?" in beside.stderr) == (1, True)
    forged = tmp_path / "permission.jws"
    claims = CLAIMS.model_copy(update={"iss": f"{escape}/query"})
    forged.write_text(authorisation_text.sign(claims, key_id="c1", signature=CITY.sign))
    for given in ((), ("--public", PUBLIC, "--repin")):
        told = verify(remote, forged, *given)
        assert (told.returncode, "fits" in told.stderr + told.stdout) == (2, False)


def test_without_a_key_nothing_is_believed_but_one_that_was_pinned_for_that_node_is(remote, tmp_path, pins):
    file = written(tmp_path, RECEIPT)
    unknown = verify(remote, file)
    assert (unknown.returncode, "--public" in unknown.stderr) == (2, True)
    pins.parent.mkdir()
    pins.write_text(json.dumps({"city": [PUBLIC]}))
    assert PUBLIC in verify(remote, file).stdout


def test_a_kept_key_that_did_not_sign_is_a_question_and_no_accusation(remote, tmp_path, pins):
    """A code is no identity: keys are renewed, and every sandbox has a city."""
    pins.parent.mkdir()
    pins.write_text(json.dumps({"city": [STRANGER]}))
    for signed in (RECEIPT, ACKNOWLEDGEMENT):
        asked = verify(remote, written(tmp_path, signed))
        assert (asked.returncode, asked.stdout) == (2, "")
        for word in (str(pins), "--public", "--repin", "节点公钥均未签署该文件"):
            assert word in asked.stderr
        assert verify(remote, tmp_path / "kept.json", "--repin").returncode == 2
    assert verify(remote, tmp_path / "kept.json", "--public", PUBLIC).returncode == 0
    assert json.loads(pins.read_text()) == {"city": [STRANGER]}


def test_a_key_that_is_given_is_kept_where_that_is_asked_for_and_no_other(remote, tmp_path, pins):
    file = written(tmp_path, RECEIPT)
    assert verify(remote, file, "--public", PUBLIC, "--repin").returncode == 0
    assert json.loads(pins.read_text()) == {"city": [PUBLIC]}
    assert PUBLIC in verify(remote, file).stdout
    assert verify(remote, file, "--public", STRANGER, "--repin").returncode == 1
    assert json.loads(pins.read_text()) == {"city": [PUBLIC]}


def test_no_test_writes_into_the_settings_of_whoever_runs_it():
    own = Path(pwd.getpwuid(os.getuid()).pw_dir)
    for kept in (options.PINS, Path(typer.get_app_dir("creditmesh"))):
        assert not kept.is_relative_to(own)
        assert kept.is_relative_to(os.environ["XDG_CONFIG_HOME"])


def test_the_verdicts_that_were_kept_are_checked_with_their_receipt(remote, tmp_path):
    verdicts = tmp_path / "verdicts.ndjson"
    verdicts.write_bytes(VERDICTS)
    file = tmp_path / "as-answered.json"  # the line of the answer is taken as it came
    file.write_text(json.dumps({"receipt": RECEIPT.model_dump()}))
    assert verify(remote, file, "--public", PUBLIC, "--verdicts", verdicts).returncode == 0
    verdicts.write_bytes(VERDICTS.replace(b"accepted", b"refused"))
    altered = verify(remote, file, "--public", PUBLIC, "--verdicts", verdicts)
    assert (altered.returncode, "digest" in altered.stderr + altered.stdout) == (1, False)
    file.write_text(json.dumps({"receipt": RECEIPT.model_dump(), "rows": 9}))
    assert verify(remote, file, "--public", PUBLIC).returncode == 1
