"""Models: each a recipe of federated steps, and a scorer that recommends on the device."""
