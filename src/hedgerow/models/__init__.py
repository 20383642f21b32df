"""Models: each a recipe of federated steps, and a scorer that recommends on the device."""

from hedgerow.models.als import ALS
from hedgerow.models.blend import Blend
from hedgerow.models.factorization import Factorization
from hedgerow.models.item_item import ItemItem
from hedgerow.models.popularity import Popularity
from hedgerow.models.private_sequence import PrivateSequence
from hedgerow.models.sequence import Sequence
from hedgerow.models.transitions import Transitions

__all__ = [
    "ALS",
    "Blend",
    "Factorization",
    "ItemItem",
    "Popularity",
    "PrivateSequence",
    "Sequence",
    "Transitions",
]
