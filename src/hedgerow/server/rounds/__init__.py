"""Rounds: secured sums over a network, as a state machine that a crash does not harm.

One file per phase. Clients' messages are stored before they are acknowledged, and what a phase
fixed when it ended is stored before anybody is told: any replica can rebuild a round from both.
"""
