"""Interactions, the catalog, blocks and splits: what a client holds and how it is laid out."""
