"""Pictures of products, drawn from what is public of them: kind, material and style."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from string import Template

from hedgerow.storefront.colours import palette
from hedgerow.storefront.goods import Product

DRAWINGS = {
    "Tents": ("tent",),
    "Sleeping bags": ("sleeping-bag",),
    "Sleeping mats": ("roll",),
    "Stoves": ("stove",),
    "Camp cookware": ("mug",),
    "Lanterns": ("lantern",),
    "Mystery": ("book", "book-mystery"),
    "Fantasy": ("book", "book-fantasy"),
    "History": ("book", "book-history"),
    "Travel": ("book", "book-travel"),
    "Cookery": ("book", "book-cookery"),
    "Children's books": ("book", "book-children"),
    "Pans": ("pan",),
    "Knives": ("knife",),
    "Boards": ("board",),
    "Bakeware": ("bowl",),
    "Storage": ("jar",),
    "Tableware": ("teapot",),
    "Coffee": ("pouch", "mark-bean"),
    "Biscuits": ("biscuits",),
    "Tea": ("tea",),
    "Preserves": ("preserve",),
    "Chocolate": ("chocolate",),
    "Breakfast": ("box",),
    "Tools": ("trowel",),
    "Planters": ("planter",),
    "Watering": ("watering-can",),
    "Supports": ("trellis",),
    "Garden furniture": ("bench",),
    "Wildlife": ("bird-house",),
    "Building": ("blocks",),
    "Vehicles": ("train",),
    "Soft toys": ("bear",),
    "Puzzles": ("puzzle",),
    "Board games": ("dice",),
    "Crafts": ("crafts",),
    "Lamps": ("lamp",),
    "Cushions": ("cushion",),
    "Throws": ("throw",),
    "Rugs": ("rug",),
    "Vases": ("vase",),
    "Candles": ("candle",),
    "Soap": ("soap",),
    "Skin care": ("cream",),
    "Body care": ("pump",),
    "Hair care": ("bottle",),
    "Lip care": ("balm",),
    "Fragrance": ("perfume",),
    "Coats": ("coat",),
    "Knitwear": ("jumper",),
    "Shirts": ("shirt",),
    "Trousers": ("trousers",),
    "Socks": ("socks",),
    "Accessories": ("hat",),
    "Dog food": ("pouch", "mark-paw"),
    "Treats": ("bone",),
    "Cat food": ("tin",),
    "Cat treats": ("pouch", "mark-fish"),
    "Small pets": ("pouch", "mark-carrot"),
    "Pet care": ("brush",),
    "Footwear": ("shoe",),
    "Sportswear": ("jersey",),
    "Hydration": ("flask",),
    "Strength": ("dumbbell",),
    "Yoga": ("roll",),
    "Bags": ("backpack",),
    "Notebooks": ("notebook",),
    "Pens": ("pen",),
    "Inks": ("ink",),
    "Planners": ("calendar",),
    "Desk": ("pen-pot",),
    "Cards": ("envelope",),
}
"""What a picture is put together from, by subcategory; names of symbols in `drawings.svg`."""

NOUNS = {
    "dinner plate": ("plate",),
    "jug": ("jug",),
    "salad bowl": ("bowl",),
    "kettlebell": ("kettlebell",),
    "resistance band": ("band",),
    "skipping rope": ("rope",),
}
"""The same, for things that look unlike others of their subcategory; by the title's last words."""

UNKNOWN = ("box",)

STYLES = ("classic", "modern", "rustic", "colourful")


def parts_of(product: Product) -> tuple[str, ...]:
    """Return what a product's picture is put together from, the hindmost first."""
    mood = (f"mood-{product.style}",) if product.style in STYLES else ()
    name = product.title.partition(",")[0]
    special = next((parts for noun, parts in NOUNS.items() if name.endswith(f" {noun}")), None)
    return (*mood, "shadow", *(special or DRAWINGS.get(product.kind, UNKNOWN)))


def picture(product: Product) -> str:
    """Return a product's picture as SVG, on a ground that is transparent."""
    body = "".join(symbols()[name] for name in parts_of(product))
    drawn = Template(body).substitute(palette(product.id, product.title, product.style))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200">{drawn}</svg>'


@cache
def symbols() -> dict[str, str]:
    """Return all drawings by name, with the names of colours in the place of colours."""
    drawings = resources.files(__package__ or "").joinpath("static", "drawings.svg")
    found = re.findall(
        r'<symbol id="([a-z-]+)">(.*?)</symbol>', drawings.read_text("utf-8"), re.DOTALL
    )
    return {name: re.sub(r"\s*\n\s*", "", body) for name, body in found}
