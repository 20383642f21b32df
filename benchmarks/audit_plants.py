"""Faults to plant in the running code: each a few functions put in the place of right ones."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from hedgerow.client import models, taking_part
from hedgerow.errors import ProtocolError
from hedgerow.federation import bounding, pipeline, terms
from hedgerow.federation.setting import Noise
from hedgerow.privacy import gaussian, ledger, planning, skellam
from hedgerow.privacy.quantization import Quantizer
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.secure import shamir
from hedgerow.privacy.secure.pairwise import recovery, uploading
from hedgerow.privacy.secure.pairwise.masking import Mask
from hedgerow.privacy.secure.split import client, drive, helper
from hedgerow.privacy.secure.split.messages import Signed
from hedgerow.privacy.secure.split.used import UsedInMemory

CHUNK = 1 << 16
"""Values that are drawn from a stream at a time."""


@dataclass(frozen=True)
class Change:
    """One function that is put in another's place.

    Parameters
    ----------
    owner, name
        Where it is.
    instead
        Returns the new function, given the old one.
    """

    owner: Any
    name: str
    instead: Callable[[Any], Any]

    def make(self) -> None:
        """Put it there, for the rest of this process."""
        setattr(self.owner, self.name, self.instead(getattr(self.owner, self.name)))


@dataclass(frozen=True)
class Fault:
    """A fault.

    Parameters
    ----------
    what
        In few words.
    about
        How the names of tests begin that are about it.
    changes
        Of the code.
    """

    what: str
    about: tuple[str, ...]
    changes: tuple[Change, ...]

    def plant(self) -> None:
        """Make all changes."""
        for change in self.changes:
            change.make()


def servers_draw(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    """Change all numbers that servers draw at once."""
    return Change(gaussian, "_rounded", lambda old: lambda *given: change(old(*given)))


def servers_add(change: Callable[[float], float]) -> tuple[Change, Change]:
    """Change the standard deviation of what servers add, given the one that they should."""
    return (
        Change(gaussian, "add", lambda old: lambda x, sigma, s: old(x, change(sigma), s)),
        Change(gaussian, "integers", lambda old: lambda s, n, sigma: old(s, n, change(sigma))),
    )


def streams(change: Callable[[str, str], tuple[str, str]]) -> Change:
    """Change what names the randomness of a release and a purpose."""

    def instead(old: Any) -> Any:
        return lambda seed, release, purpose, cohort=0: old(seed, *change(release, purpose), cohort)

    return Change(pipeline, "stream_of", instead)


def rounds(how: Callable[[np.ndarray], np.ndarray]) -> Change:
    """Round in a way of one's own."""

    def instead(_old: Any) -> Any:
        return lambda self, vector, _stream: how(
            vector * self.scale * min(1.0, self.clip / max(1e-300, float(np.linalg.norm(vector))))
        ).astype(np.int64)

    return Change(Quantizer, "quantize", instead)


def split_masks(change: Callable[[np.ndarray], np.ndarray]) -> tuple[Change, Change]:
    """Change the words that clients and the helper make of a seed."""

    def instead(old: Any) -> Any:
        return lambda *given: change(old(*given))

    return Change(client, "mask", instead), Change(helper, "mask", instead)


def computes(instead: Callable[[Any], Any]) -> Change:
    """Change what a client does with its history."""
    return Change(taking_part, "compute", instead)


def aloud(_old: Any) -> Any:
    """Compute without a net: whatever goes wrong ends the round for this client."""

    def compute(member: Any, ask: Any, catalog: Any, step: Any, noise: Any) -> Any:
        fold = member.data(catalog, ask.held_out)
        if len(fold) > member.users:
            raise ProtocolError("too-many-users", "There are more than were promised.")
        own = partial(member.random, ask.release)
        return terms.with_terms(noise, step, fold, ask.setting, own)

    return compute


def shy(old: Any) -> Any:
    """Send nothing where a history is empty."""

    def awaited(part: Any) -> Any:
        fold = _held(part.member)
        if fold is not None and not fold.history.lengths.any():
            raise ProtocolError("nothing", "There is nothing to contribute.")
        return old(part)

    return awaited


def longer(old: Any) -> Any:
    """Make a report longer the longer the history is."""

    def make_report(*given: Any, **named: Any) -> Any:
        report = old(*given, **named)
        envelope = report.signed.envelope
        padded = replace(envelope, sealed=envelope.sealed + bytes(_LENGTH.get() % 64))
        return replace(report, signed=replace(report.signed, envelope=padded))

    return make_report


def measured(old: Any) -> Any:
    """Note how long the history is before a report is made."""

    async def report(part: Any) -> Any:
        fold = _held(part.member)
        _LENGTH.set(0 if fold is None else int(fold.history.lengths.sum()))
        return await old(part)

    return report


_LENGTH: ContextVar[int] = ContextVar("length")


def _held(member: Any) -> Any:
    """Return what a client holds; None where it cannot be read."""
    try:
        return member.data(None, False)  # noqa: FBT003 - as `Member` says
    except ValueError:
        return None


def charges(change: Callable[[Any, Any], Any]) -> Change:
    """Change which release is charged for one that is made; None charges nothing."""

    def instead(old: Any) -> Any:
        def charge(self: Any, step: str, noise: Any, release: Any) -> None:
            charged = change(noise, release)
            if charged is not None:
                old(self, step, noise, charged)

        return charge

    return Change(pipeline.Pipeline, "_charge", instead)


def in_clear() -> tuple[Change, Change]:
    """Seal seeds to nobody."""
    empty = bytes(48)

    def reports(old: Any) -> Any:
        return partial(old, sealed_by=lambda text, _to, _info: empty + text)

    def unsealed(_old: Any) -> Any:
        return lambda sealed, _key, _info: sealed[len(empty) :]

    return Change(drive, "make_report", reports), Change(helper, "unseal", unsealed)


def always(value: Any) -> Callable[[Any], Any]:
    """Return a value whatever is asked."""
    return lambda _old: lambda *_given: value


def same_self(_old: Any) -> Any:
    """Return one mask for all that are a client's own."""
    return lambda _seed, _session: Mask(bytes(32), adds=True)


def half_shares(old: Any) -> Any:
    """Size clients' noise for twice as many."""

    def share(*sized: Any) -> Any:
        found = old(*sized)
        return replace(found, variance=found.variance / 2)

    return share


SPREAD = ("spread of noise", "epsilon of the noise")
ALONG = ("noise along a sum", "bias of noise")
SILENCE = ("silence",)

FAULTS = {
    "noise-1.5": Fault("noise divided by 1.5", SPREAD, servers_add(lambda sigma: sigma / 1.5)),
    "no-clip": Fault(
        "clip not applied",
        ("clip", "sums of the probe", "longest terms"),
        (Change(bounding, "clipped", lambda _old: lambda weights, _norms, _bound: weights),),
    ),
    "first-values": Fault(
        "noise on the first 65,536 values only",
        SPREAD,
        (servers_draw(lambda drawn: np.where(np.arange(len(drawn)) < CHUNK, drawn, 0)),),
    ),
    "one-draw": Fault(
        "one draw for all coordinates",
        ALONG,
        (servers_draw(lambda drawn: np.full_like(drawn, drawn[0])),),
    ),
    "same-noise": Fault(
        "the same noise in every release",
        ("noise between sums",),
        (streams(lambda _release, purpose: ("", purpose)),),
    ),
    "zero-secrets": Fault(
        "secret streams keyed with zeros",
        ("noise between sums, split", "noise between sums, pairwise"),
        (Change(Stream, "secret", lambda _old: lambda: Stream(bytes(32))),),
    ),
    "clients-3": Fault(
        "clients' noise divided by 3",
        SPREAD,
        (Change(skellam, "sample", lambda old: lambda s, n, variance: old(s, n, variance / 9)),),
    ),
    "no-pair-masks": Fault(
        "pairwise without pair masks",
        ("masks of survivors", "opening"),
        (Change(uploading, "_masks", lambda old: lambda *given: [next(iter(old(*given)))]),),
    ),
    "mask-16-bits": Fault(
        "split mask on 16 of its bits",
        ("masks of reports",),
        split_masks(lambda words: words & words.dtype.type(0xFFFF)),
    ),
    "unsigned": Fault(
        "a helper that takes unsigned reports",
        ("helper",),
        (Change(Signed, "check_signature", always(None)),),
    ),
    "no-noise": Fault(
        "no noise of the servers", (*SPREAD, "canaries"), servers_add(lambda _sigma: 0.0)
    ),
    "no-masks": Fault(
        "split without masks", ("masks of reports", "wire, split"), split_masks(np.zeros_like)
    ),
    "seed-in-clear": Fault("seeds of masks in clear", ("wire, split",), in_clear()),
    "fails-aloud": Fault(
        "a client that sends nothing where computing fails", SILENCE, (computes(aloud),)
    ),
    "unchecked-models": Fault(
        "a client that does not check public models",
        ("silence, spoilt",),
        (Change(models, "check_state", always(None)),),
    ),
    "longer-reports": Fault(
        "a client whose report is longer for a longer history",
        SILENCE,
        (Change(taking_part, "make_report", longer), Change(taking_part, "_report", measured)),
    ),
    "shy": Fault(
        "a client that sends nothing for an empty history",
        SILENCE,
        (Change(taking_part, "_report", shy),),
    ),
    "always-down": Fault("rounding always down", ("rounding",), (rounds(np.floor),)),
    "to-nearest": Fault("rounding to the nearest step", ("rounding",), (rounds(np.rint),)),
    "half-shares": Fault(
        "clients' noise sized for twice as many", SPREAD, (Change(skellam, "share", half_shares),)
    ),
    "charged-less": Fault(
        "a ledger with more noise than was made",
        ("ledger",),
        (charges(lambda _noise, made: replace(made, multiplier=2 * made.multiplier)),),
    ),
    "charged-once": Fault(
        "a second release that is not charged",
        ("ledger",),
        (charges(lambda noise, made: None if noise.name == "probe/1" else made),),
    ),
    "kind-accountant": Fault(
        "an accountant that states too little",
        ("ledger", "epsilon of the noise"),
        (
            Change(planning, "multiplier_for", lambda old: lambda e, delta: old(1.2 * e, delta)),
            Change(ledger, "epsilon_spent", lambda old: lambda *given: old(*given) / 1.2),
        ),
    ),
    "one-client": Fault(
        "noise for one client of a person where two are promised",
        SPREAD,
        (Change(Noise, "sigma", lambda _old: lambda self, _policy: self.bound * self.multiplier),),
    ),
    "repeated-noise": Fault(
        "noise that repeats after 65,536 values",
        ALONG,
        (servers_draw(lambda drawn: np.resize(drawn[:CHUNK], len(drawn))),),
    ),
    "uniform-noise": Fault(
        "uniform noise of the right variance",
        ("shape of noise",),
        (
            Change(
                gaussian,
                "_normal",
                lambda _old: lambda words, _stream: (words / 2.0**64 - 0.5) * np.sqrt(12),
            ),
        ),
    ),
    "shared-noise": Fault(
        "two servers with the same noise",
        ("spread of noise, split",),
        (streams(lambda release, purpose: (release, purpose.replace("helper", "coordinator"))),),
    ),
    "same-self-masks": Fault(
        "self masks from one key",
        ("masks of the late",),
        (Change(uploading, "self_mask", same_self), Change(recovery, "self_mask", same_self)),
    ),
    "few-shares": Fault(
        "secrets that one share recovers",
        ("curious server",),
        (
            Change(
                shamir, "split", lambda old: lambda values, n, _t, random: old(values, n, 1, random)
            ),
        ),
    ),
    "replayed": Fault(
        "a helper that takes reports again",
        ("helper",),
        (Change(UsedInMemory, "__contains__", always(None)),),
    ),
    "any-sum": Fault(
        "a helper that gives any sum", ("helper",), (Change(helper.Helper, "_check", always(None)),)
    ),
}
"""By their names."""
