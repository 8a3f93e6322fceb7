"""Reads what stages left behind into the records of `curator.model.summary`.

The law: reading changes nothing, not even a database's bytes; what is told depends on what lies there and not on where
the folders are or who asks.
"""
