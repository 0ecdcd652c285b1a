"""How a number finds its subject: an HMAC over what `schemas.rules.identity` says makes two identities one subject."""

from collections.abc import Iterator

from creditmesh.chassis.vault.keys import Keys
from creditmesh.schemas.rules.identity import Identity
from creditmesh.schemas.rules.numbers import old_citizen

_RENEWALS = 100


def index_of(keys: Keys, identity: Identity) -> bytes:
    """The 32 bytes that find this identity's subject in the vault. They never leave it."""
    return keys.mac("index", identity.key.encode())


def former_of(keys: Keys, identity: Identity) -> list[bytes]:
    """What `index_of` may have been before the kind left it, the likeliest first (decision 30).

    Of nine characters what they were themselves: what all 18 were before cannot be computed from them.
    """
    return [keys.mac("index", text.encode()) for text in _former(identity)]


def _former(identity: Identity) -> Iterator[str]:
    number = identity.number.reveal()
    match identity.document:
        case "uscc" if not identity.is_whole:
            yield from (f"{kind}|uscc|{number}" for kind in ("organisation", "sole_trader"))
        case "uscc":
            # The number says whose it is; the kind that somebody stated may be their slip.
            kinds = ("sole_trader", "organisation") if number.startswith("92") else ("organisation", "sole_trader")
            yield from (f"{kind}|uscc|{number}" for kind in kinds)
            # An organisation code was held for its form, and could be released; a registration was found as one.
            yield from (f"{kind}|uscc|{number[8:17]}" for kind in kinds)
            yield f"sole_trader|registration|{number}"
        case "registration":
            yield f"sole_trader|registration|{number}"
        case "resident_id":
            yield f"natural_person|resident_id|{number}"
            yield f"natural_person|foreign_resident_id|{number}"
            if (old := old_citizen(number)) is not None:
                yield f"natural_person|resident_id|{old}"
        case "hk_macao_permit" | "taiwan_permit":
            yield f"natural_person|{identity.document}|{number}"
            for times in range(_RENEWALS):
                yield f"natural_person|{identity.document}|{number}{times:02}"
        case _:
            yield f"natural_person|{identity.document}|{number}"
