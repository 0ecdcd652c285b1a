"""The keys of nodes as first seen in what fits: whoever comes with another is refused until told otherwise."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from creditmesh.client.errors import Unsendable, Unverified
from creditmesh.schemas.cases import Certificate

if sys.platform != "win32":
    import fcntl


def keys_in(certificate: Certificate) -> dict[str, str]:
    """The key of each node that signed something of a certificate, in base64 by its code."""
    proofs = {line.holder: line.proof.public for line in certificate.lines if line.proof is not None}
    return {certificate.node: certificate.public, **proofs}


def pinned(file: Path, node: str) -> list[str]:
    """The keys of a node that were kept before."""
    return _kept(file).get(node, [])


def pin(file: Path, keys: Mapping[str, str], *, again: bool) -> dict[str, str]:
    """Hold these keys against those that are kept, and keep what is new; those that are new.

    Unverified if a node has another key than those kept of it: `again` keeps it as well.
    """
    if not _new(file, _kept(file), keys, again=again):
        return {}
    with _alone(file):
        known = _kept(file)
        new = _new(file, known, keys, again=again)
        _keep(file, {**known, **{node: [*known.get(node, ()), public] for node, public in new.items()}})
    return new


def _new(file: Path, known: Mapping[str, list[str]], keys: Mapping[str, str], *, again: bool) -> dict[str, str]:
    new = {node: public for node, public in keys.items() if public not in known.get(node, ())}
    changed = sorted(node for node in new if node in known)
    if changed and not again:
        names = ", ".join(changed)
        raise Unverified(
            "key_changed",
            f"Signed with other keys than those kept in {file}: {names}. Ask those nodes; --repin takes the new ones "
            "as well.",
            f"下列节点的签名密钥与 {file} 中保存的不同：{names}。请向其核实；--repin 可一并认可新密钥。",
        )
    return new


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Nobody else reads keys to write them anew; held beside the file, which is another one after each change."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        held = file.with_name(f"{file.name}.lock").open("ab")
    except OSError as error:
        raise _unusable(file) from error
    with held:
        if sys.platform != "win32":
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _kept(file: Path) -> dict[str, list[str]]:
    try:
        found = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _unusable(file) from error
    if not isinstance(found, dict) or not all(isinstance(keys, list) for keys in found.values()):
        raise _unusable(file)
    return found


def _keep(file: Path, keys: Mapping[str, list[str]]) -> None:
    """Whole or not at all: a reader beside never sees half a file."""
    written = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        written.write_text(json.dumps(keys, indent=2, sort_keys=True), encoding="utf-8")
        written.replace(file)
    except OSError as error:
        raise _unusable(file) from error


def _unusable(file: Path) -> Unsendable:
    return Unsendable(
        f"{file}: the keys of nodes cannot be read or kept there; name another file with --pins.",
        f"{file}：无法在此读取或保存节点公钥；请用 --pins 指定其他文件。",
    )
