"""Secured sums split over two servers that do not collude: one message from each client.

A client adds a mask to its words and posts them to the coordinator, together with the mask's seed
sealed to a helper that somebody else runs. Each of the two servers alone sees uniform words; the
sum of the reports minus the sum of the masks is the sum. Who trusts whom with what is as in Prio
(Corrigan-Gibbs and Boneh, NSDI 2017) and in the IETF's Distributed Aggregation Protocol.
"""
