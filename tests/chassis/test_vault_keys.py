"""Keys: files of their owner only, each process with its own few, and what they make can be checked."""

import base64
import hmac
import json
import stat
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.errors import JoseError

from creditmesh.chassis.vault.keys import NAMES, RENEWED, KeyMissing, KeyName, Keys, TwoKeys, verified


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "secrets"
    Keys.create(folder)
    return folder


def test_every_key_file_is_its_owners_only(folder: Path):
    files = sorted(folder.glob("*.key"))
    assert {path.name.split("-")[0] for path in files} == set(NAMES)
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_creating_again_makes_only_what_is_missing(tmp_path: Path):
    first = Keys.create(tmp_path, ["index", "node"])
    assert len(first) == 3  # the node's key pair has a public half
    before = {path: path.read_bytes() for path in first}
    second = Keys.create(tmp_path)
    assert {path.name.split("-")[0] for path in second} == set(NAMES) - {"index", "node"}
    assert {path: path.read_bytes() for path in first} == before
    assert Keys.create(tmp_path) == []


def test_a_process_holds_only_the_keys_it_names(folder: Path):
    keys = Keys.load(folder, ["index"])
    assert len(keys.mac("index", b"x")) == 32
    with pytest.raises(KeyMissing, match="fingerprint"):
        keys.mac("fingerprint", b"x")
    with pytest.raises(KeyMissing, match="node"):
        keys.sign(b"x")
    with pytest.raises(KeyMissing, match="data"):
        keys.wrap(b"x", context=b"")
    with pytest.raises(KeyMissing, match="token"):
        keys.token_key()
    assert {key.name for key in keys._keys.values()} == {"index"}
    assert {key.name for key in keys._public.values()} == {"node", "feed", "token"}


def test_a_missing_key_says_what_to_do(tmp_path: Path):
    with pytest.raises(KeyMissing, match="creditmesh-node keys create"):
        Keys.load(tmp_path, ["index"])


def test_a_key_file_open_to_others_is_refused(tmp_path: Path):
    Keys.create(tmp_path, ["index"])
    next(tmp_path.glob("*.key")).chmod(0o640)
    with pytest.raises(PermissionError, match="0600"):
        Keys.load(tmp_path, ["index"])


def test_keys_print_their_ids_and_nothing_else(folder: Path):
    keys = Keys.load(folder, NAMES)
    assert keys.key_id("index") in repr(keys)
    for path in folder.glob("*.key"):
        assert path.read_text().split('"secret": "')[1][:20] not in repr(keys)


@given(data=st.binary(max_size=300))
def test_the_mac_is_hmac_sha256(folder: Path, data: bytes):
    written = json.loads(next(folder.glob("index-*.key")).read_text())["secret"]
    secret = base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))
    assert Keys.load(folder, ["index"]).mac("index", data) == hmac.digest(secret, data, "sha256")


def again(folder: Path, name: KeyName) -> None:
    """Make one more key of that name, past whatever forbids it."""
    aside = folder / "aside"
    aside.mkdir()
    old = [path.rename(aside / path.name) for path in folder.glob(f"{name}-*")]
    Keys.create(folder, [name])
    for path in old:
        path.rename(folder / path.name)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(RENEWED)))
def test_a_second_key_for_what_is_found_again_is_refused_at_start(tmp_path: Path, name: KeyName):
    Keys.create(tmp_path)
    used = Keys.load(tmp_path, [name]).key_id(name)
    again(tmp_path, name)
    with pytest.raises(TwoKeys, match=f"Move away all but {used}"):
        Keys.load(tmp_path, [name])
    for path in tmp_path.glob(f"{name}-*.key"):
        if path.stem != used:
            path.unlink()
    assert Keys.load(tmp_path, [name]).key_id(name) == used


@pytest.mark.parametrize("name", NAMES)
def test_every_key_is_either_renewed_or_one_alone(tmp_path: Path, name: KeyName):
    Keys.create(tmp_path)
    if name not in RENEWED:
        with pytest.raises(TwoKeys):
            Keys.renew(tmp_path, name)
        assert Keys.load(tmp_path, [name])
        return
    before = Keys.load(tmp_path, [name]).key_id(name)
    Keys.renew(tmp_path, name)
    assert Keys.load(tmp_path, [name]).key_id(name) != before


def test_a_signature_is_verified_by_the_public_halves_alone(folder: Path):
    signer, anybody = Keys.load(folder, ["node"]), Keys.load(folder, [])
    signature = signer.sign(b"a receipt")
    assert anybody.verify(b"a receipt", signature)
    assert anybody.verify(b"a receipt", signature, key=signer.key_id("node"))
    assert verified(b"a receipt", signature, public=anybody.public("node").raw)
    assert not anybody.verify(b"another receipt", signature)
    assert not anybody.verify(b"a receipt", signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not anybody.verify(b"a receipt", signature, key="node-00000000")
    assert not anybody.verify(b"a receipt", b"short")


def test_another_nodes_signature_is_not_ours(folder: Path, tmp_path: Path):
    Keys.create(tmp_path, ["node"])
    assert not Keys.load(folder, []).verify(b"x", Keys.load(tmp_path, ["node"]).sign(b"x"))


def test_a_token_is_signed_by_one_process_and_verified_by_another(folder: Path):
    token = jwt.encode({"alg": "Ed25519"}, {"sub": "x"}, Keys.load(folder, ["token"]).token_key(), ["Ed25519"])
    (public,) = Keys.load(folder, []).token_public_keys().values()
    assert not public.is_private
    assert jwt.decode(token, public, ["Ed25519"]).claims == {"sub": "x"}
    with pytest.raises(JoseError):
        jwt.decode(token[:-6] + "AAAAAA", public, ["Ed25519"])


def test_a_wrapped_key_opens_with_its_context_and_its_key_only(folder: Path, tmp_path: Path):
    keys = Keys.load(folder, ["data"])
    wrapped = keys.wrap(b"k" * 32, context=b"subject")
    assert b"k" * 8 not in wrapped
    assert keys.unwrap(wrapped, context=b"subject", key=keys.key_id("data")) == b"k" * 32
    with pytest.raises(InvalidTag):
        keys.unwrap(wrapped, context=b"another", key=keys.key_id("data"))
    Keys.create(tmp_path, ["data"])
    other = Keys.load(tmp_path, ["data"])
    with pytest.raises(KeyMissing):
        other.unwrap(wrapped, context=b"subject", key=keys.key_id("data"))
    with pytest.raises(InvalidTag):
        other.unwrap(wrapped, context=b"subject", key=other.key_id("data"))


def test_after_a_rotation_the_newest_key_is_used_and_the_old_one_still_opens(tmp_path: Path):
    Keys.create(tmp_path, ["data", "node"])
    before = Keys.load(tmp_path, ["data", "node"])
    wrapped, signature = before.wrap(b"k" * 32, context=b"s"), before.sign(b"x")
    for name in ("data", "node"):
        Keys.renew(tmp_path, name)
    after = Keys.load(tmp_path, ["data", "node"])
    assert after.key_id("data") != before.key_id("data")
    assert after.unwrap(wrapped, context=b"s", key=before.key_id("data")) == b"k" * 32
    assert after.verify(b"x", signature)
    assert after.verify(b"x", signature, key=before.key_id("node"))
    assert not after.verify(b"x", signature, key=after.key_id("node"))
    assert after.verify(b"x", after.sign(b"x"), key=after.key_id("node"))
