"""One file per product behind a port.

The law: an adapter decides nothing; it keeps the promise of its port.
"""
