"""What a coordinator tells the clients of a round, before its secured sum and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from hedgerow.privacy.secure.receipt import Inclusion, Receipt
from hedgerow.privacy.secure.session import Terms
from hedgerow.privacy.secure.wire import Between, Key32


@dataclass(frozen=True)
class Invitation:
    """What a client is told when it takes part in a round.

    Parameters
    ----------
    ask
        The `Ask`, as JSON.
    terms
        Of the secured sum.
    """

    ask: Annotated[bytes, Between(0, 1 << 16)]
    terms: Terms


@dataclass(frozen=True)
class Counted:
    """What a contributor is told at the end: the receipt, and that its term is in it.

    Parameters
    ----------
    receipt, inclusion
        To be checked with the coordinator's public key.
    model
        Hash of the model as it is then.
    """

    receipt: Receipt
    inclusion: Inclusion
    model: Key32
