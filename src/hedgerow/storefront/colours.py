"""The colours of products: after what they are made of or taste of, in the mood of their style."""

from __future__ import annotations

import zlib
from itertools import pairwise

OF_WORDS = {
    # Woods, metals, earths and stones.
    "oak": "#b98552",
    "walnut": "#7d5a41",
    "bamboo": "#b9a25c",
    "cedar": "#a8684a",
    "willow": "#a3a264",
    "ash": "#b7a58a",
    "cork": "#c19a6b",
    "rattan": "#c2a06a",
    "wooden": "#c08d57",
    "steel": "#7f93a0",
    "copper": "#c17a4e",
    "iron": "#5f6a70",
    "zinc": "#8d9ba2",
    "brass": "#c3a04c",
    "slate": "#5d6b78",
    "enamel": "#4f86a6",
    "stoneware": "#9a8f7f",
    "terracotta": "#c66f4c",
    "clay": "#b6785a",
    "ceramic": "#6f93a8",
    "glass": "#7fb0a8",
    # Cloth and hide.
    "linen": "#c5b291",
    "velvet": "#8b4a62",
    "wool": "#a7917a",
    "cotton": "#8fa6b8",
    "merino": "#7c8f7a",
    "denim": "#4d6f9a",
    "corduroy": "#a8764a",
    "tweed": "#7d7a5e",
    "flannel": "#a85a52",
    "jersey": "#6d86a8",
    "felt": "#c2705e",
    "woollen": "#b58463",
    "leather": "#8f5f40",
    "canvas": "#a99b6f",
    "cloth-bound": "#5f7d78",
    # Fruit, spice and herb.
    "almond": "#d0a77a",
    "ginger": "#d29a4a",
    "vanilla": "#dcc07c",
    "lemon": "#e0bf3f",
    "orange": "#e08f3e",
    "hazelnut": "#a9794e",
    "cocoa": "#7b5440",
    "honey": "#dda63a",
    "lavender": "#9585bd",
    "rose": "#cf7d8e",
    "oat": "#cdb083",
    "citrus": "#dda83f",
    "aloe": "#7fae7a",
    "mint": "#6fb598",
    "sea salt": "#7fa6bd",
    "pumpkin": "#d98744",
    "herb": "#7f9f5f",
    "salmon": "#e08f78",
    "chicken": "#d9a95f",
    "turkey": "#b9805f",
    "duck": "#8a9a5b",
    "beef": "#b0605a",
    # Places and seasons.
    "trail": "#8a9a5b",
    "valley": "#6f9a6a",
    "summit": "#7189a6",
    "lakeside": "#5f9aa6",
    "alpine": "#5f8fb0",
    "meadow": "#8fae5c",
    "travel": "#c28a52",
    "harbour": "#4f7f9a",
    "orchard": "#8f9f4e",
    "winter": "#6f8fb0",
    "river": "#4f8f9a",
    "garden": "#6f9f6a",
    "castle": "#847a9a",
    "island": "#4fa096",
    "lantern": "#c9853f",
    "road": "#7a8088",
    "track": "#c96a4a",
    "studio": "#a07fa8",
    "court": "#4f9a7a",
    "club": "#5f6fa8",
    "training": "#d07f4a",
    "pool": "#4f9ab8",
    # Toys and paper.
    "magnetic": "#c25f5f",
    "pirate": "#56606e",
    "circus": "#cf6a5a",
    "jungle": "#5f9f5f",
    "railway": "#4f7fa0",
    "kraft": "#b98f62",
    "marbled": "#7f86b0",
    "recycled": "#8a9a78",
    "dotted": "#c98fa0",
}
"""By the middle word or words of a title, see `hedgerow.data.shop.words`."""

ACCENTS = {
    "classic": ("#8c3f3c", "#c49a45", "#3f5f6e"),
    "modern": ("#2f3e46", "#e07a5f", "#3d8b86"),
    "rustic": ("#7c8a4d", "#b5653b", "#d9a441"),
    "colourful": ("#e05a6d", "#2f9fb3", "#f0b429"),
}
"""What goes with the colour, by style."""

PLAIN = "#8a8f86"
INK, PAPER, WOOD = "#37332e", "#fbf6ea", "#b58a5c"


def palette(number: str, title: str, style: str) -> dict[str, str]:
    """Return a product's colours, by the names that `drawings.svg` has for them.

    Parameters
    ----------
    number
        The product's id, which chooses among accents.
    title, style
        Of the product.
    """
    main = next((OF_WORDS[word] for word in _words(title) if word in OF_WORDS), PLAIN)
    accents = ACCENTS.get(style, ACCENTS["classic"])
    accent = accents[zlib.crc32(number.encode()) % len(accents)]
    return {
        "m": main,
        "d": mixed(main, "#1d1a24", 0.22),
        "l": mixed(main, "#ffffff", 0.38),
        "a": accent,
        "i": INK,
        "p": PAPER,
        "w": WOOD,
    }


def mixed(one: str, other: str, share: float) -> str:
    """Return a colour with a share of another in it; both such as ``#8a8f86``."""
    parts = [
        round((1 - share) * int(one[at : at + 2], 16) + share * int(other[at : at + 2], 16))
        for at in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02x}" for part in parts)


def _words(title: str) -> list[str]:
    """Return the words of a title and its pairs of words, the pairs first."""
    words = title.lower().replace(",", "").split()
    return [" ".join(pair) for pair in pairwise(words)] + words[1:] + words[:1]
