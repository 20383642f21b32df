"""Privacy: what happens to a term between the client that computes it and the sum that is used."""
