"""The words from which the synthetic shop's departments and product titles are made."""

from __future__ import annotations

from dataclasses import dataclass

SEASONS = ("spring", "summer", "autumn", "winter")

AGE_BANDS = ("18-24", "25-34", "35-49", "50-64", "65+")

REGIONS = ("north", "south", "east", "west", "midlands", "islands")

HOUSEHOLDS = ("single", "couple", "family")

STYLES = {
    "classic": ("Classic", "Heritage", "Traditional", "Timeless", "Vintage", "Elegant"),
    "modern": ("Modern", "Sleek", "Compact", "Minimal", "Urban", "Slim"),
    "rustic": ("Rustic", "Country", "Farmhouse", "Woodland", "Handmade", "Weathered"),
    "colourful": ("Bright", "Striped", "Painted", "Sunny", "Patterned", "Rainbow"),
}
"""Adjectives of titles, by style; every product has one style."""


@dataclass(frozen=True)
class Department:
    """One department of the shop.

    Parameters
    ----------
    name
        The category of its products.
    price
        The median price, in the shop's currency.
    season
        When demand for the department peaks; None for an even year.
    words
        What products are made of or taste of, the middle of a title.
    kinds
        Subcategories and the nouns of their titles, in the order in which people need them: a
        tent comes before a stove.
    consumable
        Whether products are used up and bought again.
    series
        Whether products are the volumes of series.
    """

    name: str
    price: float
    season: str | None
    words: tuple[str, ...]
    kinds: tuple[tuple[str, tuple[str, ...]], ...]
    consumable: bool = False
    series: bool = False


DEPARTMENTS = (
    Department(
        name="Camping",
        price=45.0,
        season="summer",
        words=("trail", "valley", "summit", "lakeside", "alpine", "meadow", "canvas", "travel"),
        kinds=(
            ("Tents", ("tent", "tunnel tent", "dome tent", "tarp")),
            ("Sleeping bags", ("sleeping bag", "quilt", "bag liner", "bivouac bag")),
            ("Sleeping mats", ("sleeping mat", "air bed", "camp bed", "pillow")),
            ("Stoves", ("gas stove", "wood stove", "spirit stove", "windshield")),
            ("Camp cookware", ("cook set", "kettle", "mess tin", "mug")),
            ("Lanterns", ("lantern", "head torch", "torch", "string light")),
        ),
    ),
    Department(
        name="Books",
        price=11.0,
        season="winter",
        words=("harbour", "orchard", "winter", "river", "garden", "castle", "island", "lantern"),
        kinds=(
            ("Mystery", ("mystery", "case", "affair", "secret")),
            ("Fantasy", ("crown", "dragon", "tower", "oath")),
            ("History", ("chronicle", "century", "letters", "voyage")),
            ("Travel", ("journey", "road", "crossing", "passage")),
            ("Cookery", ("kitchen", "table", "feast", "pantry")),
            ("Children's books", ("rabbit", "hedgehog", "treehouse", "kite")),
        ),
        series=True,
    ),
    Department(
        name="Kitchen",
        price=22.0,
        season=None,
        words=("oak", "steel", "copper", "slate", "bamboo", "enamel", "walnut", "stoneware"),
        kinds=(
            ("Pans", ("frying pan", "saucepan", "casserole", "griddle")),
            ("Knives", ("chef's knife", "bread knife", "paring knife", "cleaver")),
            ("Boards", ("serving board", "chopping board", "cheese board", "tray")),
            ("Bakeware", ("loaf tin", "mixing bowl", "cake stand", "rolling pin")),
            ("Storage", ("storage jar", "bread bin", "spice rack", "canister")),
            ("Tableware", ("dinner plate", "jug", "salad bowl", "teapot")),
        ),
    ),
    Department(
        name="Pantry",
        price=6.0,
        season=None,
        words=("almond", "ginger", "vanilla", "lemon", "orange", "hazelnut", "cocoa", "honey"),
        kinds=(
            ("Coffee", ("coffee beans", "ground coffee", "espresso", "cold brew")),
            ("Biscuits", ("biscuits", "shortbread", "oatcakes", "wafers")),
            ("Tea", ("tea", "infusion", "green tea", "black tea")),
            ("Preserves", ("jam", "marmalade", "chutney", "curd")),
            ("Chocolate", ("chocolate bar", "truffles", "fudge", "drops")),
            ("Breakfast", ("granola", "porridge", "muesli", "pancake mix")),
        ),
        consumable=True,
    ),
    Department(
        name="Garden",
        price=18.0,
        season="spring",
        words=("cedar", "terracotta", "willow", "iron", "zinc", "bamboo", "clay", "ash"),
        kinds=(
            ("Tools", ("hand trowel", "fork", "secateurs", "spade")),
            ("Planters", ("planter", "flower pot", "window box", "trough")),
            ("Watering", ("watering can", "hose reel", "sprinkler", "water butt")),
            ("Supports", ("trellis", "plant stakes", "obelisk", "arch")),
            ("Garden furniture", ("bench", "garden chair", "side table", "hammock")),
            ("Wildlife", ("bird feeder", "nest box", "insect house", "bird bath")),
        ),
    ),
    Department(
        name="Toys",
        price=16.0,
        season="winter",
        words=("wooden", "felt", "magnetic", "woollen", "pirate", "circus", "jungle", "railway"),
        kinds=(
            ("Building", ("blocks", "marble run", "construction set", "train set")),
            ("Vehicles", ("engine", "crane", "racing car", "tractor")),
            ("Soft toys", ("bear", "fox", "owl", "rabbit")),
            ("Puzzles", ("jigsaw", "shape sorter", "cube", "maze")),
            ("Board games", ("board game", "card game", "dice game", "memory game")),
            ("Crafts", ("craft kit", "stamp set", "bead set", "weaving loom")),
        ),
    ),
    Department(
        name="Home",
        price=28.0,
        season="autumn",
        words=("linen", "velvet", "wool", "cotton", "glass", "brass", "ceramic", "rattan"),
        kinds=(
            ("Lamps", ("table lamp", "floor lamp", "lampshade", "night light")),
            ("Cushions", ("cushion", "bolster", "floor cushion", "seat pad")),
            ("Throws", ("throw", "blanket", "bedspread", "quilt cover")),
            ("Rugs", ("rug", "runner", "door mat", "bath mat")),
            ("Vases", ("vase", "bowl", "bottle vase", "plant stand")),
            ("Candles", ("candle holder", "lantern", "candlestick", "tealight set")),
        ),
    ),
    Department(
        name="Beauty",
        price=12.0,
        season=None,
        words=("lavender", "rose", "oat", "citrus", "aloe", "almond", "mint", "sea salt"),
        kinds=(
            ("Soap", ("soap bar", "hand wash", "body wash", "bath salts")),
            ("Skin care", ("face cream", "cleanser", "serum", "face mask")),
            ("Body care", ("body lotion", "body oil", "scrub", "hand cream")),
            ("Hair care", ("shampoo", "conditioner", "hair oil", "hair mask")),
            ("Lip care", ("lip balm", "lip scrub", "lip tint", "lip oil")),
            ("Fragrance", ("room spray", "cologne", "scented sachet", "pillow mist")),
        ),
        consumable=True,
    ),
    Department(
        name="Clothing",
        price=34.0,
        season="autumn",
        words=("merino", "cotton", "linen", "denim", "corduroy", "tweed", "flannel", "jersey"),
        kinds=(
            ("Coats", ("coat", "jacket", "parka", "gilet")),
            ("Knitwear", ("jumper", "cardigan", "vest", "roll-neck")),
            ("Shirts", ("shirt", "T-shirt", "blouse", "polo shirt")),
            ("Trousers", ("trousers", "chinos", "shorts", "dungarees")),
            ("Socks", ("socks", "tights", "slippers", "walking socks")),
            ("Accessories", ("scarf", "hat", "gloves", "belt")),
        ),
    ),
    Department(
        name="Pets",
        price=14.0,
        season=None,
        words=("salmon", "chicken", "turkey", "duck", "oat", "pumpkin", "beef", "herb"),
        kinds=(
            ("Dog food", ("dog food", "puppy food", "kibble", "dog biscuits")),
            ("Treats", ("chews", "training treats", "bites", "dental sticks")),
            ("Cat food", ("cat food", "kitten food", "pouches", "cat pâté")),
            ("Cat treats", ("cat treats", "cat sticks", "cat milk", "catnip")),
            ("Small pets", ("hamster mix", "rabbit pellets", "hay", "bird seed")),
            ("Pet care", ("pet shampoo", "paw balm", "litter", "bedding")),
        ),
        consumable=True,
    ),
    Department(
        name="Sports",
        price=30.0,
        season="spring",
        words=("road", "track", "studio", "court", "club", "training", "trail", "pool"),
        kinds=(
            ("Footwear", ("running shoes", "trainers", "insoles", "gaiters")),
            ("Sportswear", ("running shirt", "leggings", "sports shorts", "windbreaker")),
            ("Hydration", ("water bottle", "hydration pack", "shaker", "flask")),
            ("Strength", ("kettlebell", "dumbbell pair", "resistance band", "skipping rope")),
            ("Yoga", ("yoga mat", "yoga block", "foam roller", "strap")),
            ("Bags", ("gym bag", "backpack", "waist pack", "shoe bag")),
        ),
    ),
    Department(
        name="Stationery",
        price=8.0,
        season="autumn",
        words=("kraft", "cloth-bound", "marbled", "recycled", "dotted", "leather", "cork", "brass"),
        kinds=(
            ("Notebooks", ("notebook", "journal", "sketchbook", "memo pad")),
            ("Pens", ("fountain pen", "ballpoint pen", "pencil set", "brush pen")),
            ("Inks", ("ink", "cartridges", "refill", "ink pad")),
            ("Planners", ("planner", "calendar", "wall chart", "diary")),
            ("Desk", ("desk tidy", "pen pot", "letter rack", "desk mat")),
            ("Cards", ("card set", "envelopes", "gift tags", "wrapping paper")),
        ),
    ),
)
"""All departments; a small shop has only the first ones."""
