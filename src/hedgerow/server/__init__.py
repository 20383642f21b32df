"""The coordinator: rounds, storage, accounts and the HTTP interface to them."""
