"""What tests of the agent share: a clock that is set by hand, asks, and enrolled profiles."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.federation.ask import Ask
from hedgerow.federation.deployment import Deployment
from hedgerow.federation.setting import Noise, Setting
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.secure.identity import public

AUTHORITY = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)

DEPLOYMENT = Deployment(
    audience="shop",
    authority=public(AUTHORITY),
    coordinator=bytes([1]) * 32,
    helper=bytes([2]) * 32,
    sealing=bytes([3]) * 32,
)


class HandClock:
    """Stands still unless it is set."""

    def __init__(self, now=1_000_000.0):
        self.now = now

    def __call__(self):
        return self.now


def ask_of(
    *,
    secure="split",
    multiplier=4.0,
    release="run/0",
    task="shop",
    purpose="step",
    recipe="popularity",
    delta=1e-6,
    clients=100,
    **policy,
):
    """Return an ask and its terms."""
    promised = Policy(**{"epsilon": 4.0, "secure": secure, **policy})
    noise = Noise(release, 1.0, multiplier)
    setting = Setting.of(promised, noise, 40, [(clients, clients)], bytes(32))
    ask = Ask(task, purpose, recipe, delta, 10, repeats=False, held_out=False, setting=setting)
    return ask, ask.terms(0)
