"""Rounds: clients contribute, sums are made, models move on; here all on one machine or many."""
