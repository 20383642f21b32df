"""Hedgerow: federated recommendations, one model grown from many private gardens."""
