"""The form of a credential: `cm_<node>_<keyid>_<secret><check>`, and the keyed hash that is kept of it.

The prefix lets scanners find a leaked key. The check is six characters of a keyed hash over all before it: the door
refuses a typo or an invention without asking the database, and of what somebody makes who lacks the node's key one in
5.6e10 gets further than that. The secret has 256 random bits, so that a fast keyed hash is enough: a slow one would be
a lever against the door.
"""

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = tuple(high + low for high in _DIGITS for low in _DIGITS)
Mac = Callable[[bytes], bytes]
"""HMAC under the node's key `credential`."""
_KEY_ID, _SECRET, _CHECK = 12, 43, 6
_FORM = re.compile(
    rf"cm_([a-z][a-z0-9]{{1,15}})_([0-9A-Za-z]{{{_KEY_ID}}})_([0-9A-Za-z]{{{_SECRET}}})([0-9A-Za-z]{{{_CHECK}}})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One credential as its holder sends it. Printed, it shows its id and never its secret."""

    node: str
    key: str
    _secret: str

    @classmethod
    def fresh(cls, node: str) -> Self:
        """A new one for this node."""
        return cls(
            node=node,
            key=_base62(secrets.randbits(71), _KEY_ID),
            _secret=_base62(secrets.randbits(256), _SECRET),
        )

    @classmethod
    def read(cls, text: str, mac: Mac) -> Self | None:
        """The credential in a text; None if it has not the form or its check is not of this node."""
        form = _FORM.fullmatch(text)
        if form is None or not hmac.compare_digest(_check(text[:-_CHECK], mac), form[4]):
            return None
        return cls(node=form[1], key=form[2], _secret=form[3])

    def reveal(self, mac: Mac) -> str:
        """The text itself: shown once, to who asked for the credential."""
        body = f"cm_{self.node}_{self.key}_{self._secret}"
        return body + _check(body, mac)

    def hashed(self, mac: Mac) -> bytes:
        """What is kept of it: bound to node and id, so that a hash moved to another row fits nothing."""
        return mac(f"{self.node}|{self.key}|{self._secret}".encode())

    def __repr__(self) -> str:
        return f"cm_{self.node}_{self.key}_***"


def _check(body: str, mac: Mac) -> str:
    """Six base-62 digits, two at a time: this runs for every request. No input of `hashed` begins like this one."""
    number = int.from_bytes(mac(f"check|{body}".encode())[:8])
    rest, low = divmod(number % len(_PAIRS) ** 3, len(_PAIRS))
    high, middle = divmod(rest, len(_PAIRS))
    return _PAIRS[high] + _PAIRS[middle] + _PAIRS[low]


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
