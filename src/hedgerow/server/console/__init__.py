"""The operators' console: pages made on the server, over the functions of the JSON interface."""
