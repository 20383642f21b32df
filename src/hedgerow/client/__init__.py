"""The agent: what runs at a client, on a device or in a silo, and keeps its data there."""
