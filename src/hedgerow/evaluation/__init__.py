"""How good recommendations are, measured as sums over clients."""
