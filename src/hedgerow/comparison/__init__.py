"""The comparison every user wants: what federating would give, and what it would cost."""
