"""Searching messages for what must never stand in them in clear.

What is searched for:

- *secrets*: any sequence of 8 bytes or more, anywhere in a message. Keys and seeds are 16 bytes or
  more, so that one is found by chance in a terabyte of random bytes with probability 2**-88.
- *vectors*: windows of 64 bytes of what a client would send without masks. Windows of hardly any
  variety, such as a stretch of zeros, are left out: they also stand in honest messages.
- *names*: ids of items and users. Short ones such as ``7`` occur in any random bytes, so those are
  looked for as a whole text or byte string of a message only. Long ones are looked for anywhere,
  from the length on at which a chance hit in all that is searched has a probability below 2**-20.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import numpy as np

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure import cbor

ANCHOR = 8
"""Bytes of each needle by which it is found; also the shortest needle."""

WINDOW = 64
"""Bytes of a vector that are looked for together."""

WINDOWS = 16
"""Windows of each vector at most, spread evenly: whoever sends it in clear sends them all."""

VARIETY = 4
"""A window says nothing with fewer bytes that differ from its most frequent one."""

PERIODS = (1, 2, 3, 4, 8)
"""A window that repeats itself after so many bytes says nothing either."""

CHANCE_BITS = 20
"""A name is looked for everywhere if a chance hit has a probability below 2 to minus this."""

SHOWN = 20
"""Findings that are written out; the others are counted."""

_TABLE_BITS = 24
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def shortest_name(names: int, searched: int) -> int:
    """Return from which length on names may be looked for anywhere.

    Parameters
    ----------
    names
        How many names there are.
    searched
        How many bytes will be searched.
    """
    bits = CHANCE_BITS + math.log2(max(1, names)) + math.log2(max(1, searched))
    return max(ANCHOR, math.ceil(bits / 8))


def windows(vector: bytes) -> Iterator[bytes]:
    """Yield the windows by which a packed vector is recognised, if it has any variety."""
    # A vector shorter than a window is one itself.
    starts = range(0, max(1, len(vector) - WINDOW + 1), WINDOW)
    telling = [s for s in starts if _tells(vector[s : s + WINDOW])]
    stride = max(1, math.ceil(len(telling) / WINDOWS))
    for start in telling[::stride]:
        yield vector[start : start + WINDOW]


def _tells(window: bytes) -> bool:
    most = max((window.count(byte) for byte in set(window)), default=0)
    return len(window) - most >= VARIETY and all(window[p:] != window[:-p] for p in PERIODS)


@dataclass
class Search:
    """A search of many messages for many secrets, in one pass over each message.

    Parameters
    ----------
    names
        What each name that is looked for is, such as ``"the item id"``, by name.
    shortest
        From which length on names are looked for anywhere; see `shortest_name`.
    findings
        One sentence each, the first `SHOWN` of them.
    found, messages, searched
        How many findings, messages and bytes there were.
    """

    names: dict[str, str]
    shortest: int
    findings: list[str] = field(default_factory=list, init=False)
    found: int = field(default=0, init=False)
    messages: int = field(default=0, init=False)
    searched: int = field(default=0, init=False)
    _needles: dict[int, list[tuple[bytes, int, str]]] = field(default_factory=dict, init=False)
    _table: np.ndarray[tuple[int], np.dtype[np.bool_]] = field(init=False)

    def __post_init__(self) -> None:
        self._table = np.zeros(1 << _TABLE_BITS, np.bool_)
        for name, what in self.names.items():
            if len(name.encode()) >= self.shortest:
                self.hide(name.encode(), f"{what} {name!r}")

    def hide(self, secret: bytes, what: str) -> None:
        """Look for a secret in every message from now on.

        Parameters
        ----------
        secret
            8 bytes or more; shorter ones are not told from chance, and left out.
        what
            What it is, such as ``"the mask seed of client 3"``.
        """
        if len(secret) < ANCHOR:
            return
        # The most varied stretch stands elsewhere least often.
        starts = range(0, len(secret) - ANCHOR + 1, ANCHOR)
        start = max(starts, key=lambda s: len(set(secret[s : s + ANCHOR])))
        anchor = int.from_bytes(secret[start : start + ANCHOR], "little")
        known = self._needles.setdefault(anchor, [])
        if all(other != secret for other, _, _ in known):
            known.append((secret, start, what))
            self._table[_slots(np.array([anchor], np.uint64))] = True

    def hide_vector(self, vector: bytes, what: str) -> None:
        """Look for windows of a packed vector in every message from now on."""
        for window in windows(vector):
            self.hide(window, what)

    def look(self, message: bytes, where: str) -> None:
        """Search a message; what stands in it several times is one finding.

        Parameters
        ----------
        message
            As it is sent.
        where
            What it is, such as ``"a report"``.
        """
        self.messages += 1
        self.searched += len(message)
        known: set[str] = set()
        for at, secret, what in self._hits(message):
            # An anchor inside the secret may hit in a message that ends before the secret does.
            if what not in known and message[at : at + len(secret)] == secret:
                known.add(what)
                self._note(f"{what} stands in {where} at byte {at}")
        for text in _texts(message):
            if text in self.names and len(text.encode()) < self.shortest:
                self._note(f"{self.names[text]} {text!r} stands in {where} as a value of its own")

    def _note(self, sentence: str) -> None:
        self.found += 1
        if len(self.findings) < SHOWN:
            self.findings.append(sentence)

    def _hits(self, message: bytes) -> Iterator[tuple[int, bytes, str]]:
        """Yield where the anchors of secrets stand."""
        for shift in range(min(ANCHOR, max(0, len(message) - ANCHOR + 1))):
            count = (len(message) - shift) // ANCHOR
            values = np.frombuffer(message, "<u8", count, shift)
            for place in np.flatnonzero(self._table[_slots(values)]).tolist():
                for secret, start, what in self._needles.get(int(values[place]), ()):
                    at = shift + place * ANCHOR - start
                    if at >= 0:
                        yield at, secret, what


def _slots(
    anchors: np.ndarray[tuple[int], np.dtype[np.uint64]],
) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Return places in the table, spread by a multiplicative hash (Knuth)."""
    spread: np.ndarray[tuple[int], np.dtype[np.uint64]] = anchors * _MULTIPLIER
    return spread >> np.uint64(64 - _TABLE_BITS)


def _texts(message: bytes) -> Iterator[str]:
    """Yield the texts and byte strings in a message, map keys apart, which the protocol names."""
    try:
        left: list[object] = [cbor.decode(message)]
    except ProtocolError:
        return
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += [inner for key, inner in value.items() if key != "type"]
        elif isinstance(value, list):
            left += value
        elif isinstance(value, str):
            yield value
        elif isinstance(value, bytes):
            try:
                yield value.decode()
            except UnicodeDecodeError:
                continue


def searchable(names: Collection[str], words: Collection[str]) -> list[str]:
    """Return the names without those that stand in words which the protocol itself sends."""
    text = "\n".join(words)
    return [name for name in names if name and name not in text]
