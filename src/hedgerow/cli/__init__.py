"""The hedgerow command."""
