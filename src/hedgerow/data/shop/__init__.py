"""A synthetic shop with tastes, seasons, sessions and an order that matters."""

from hedgerow.data.shop.shop import Shop

__all__ = ["Shop"]
