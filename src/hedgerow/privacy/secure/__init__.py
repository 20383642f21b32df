"""Secured sums: the server learns a total over many clients and no client's own term."""
