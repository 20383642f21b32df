"""Mode ``pairwise``: masks that cancel between neighbours (Bell et al. 2020, Bonawitz et al. 2017).

State machines without input or output: they take messages and return messages.
"""
