"""Frozen records that all stages share.

The law: a record holds facts and no behaviour that touches a file, a database or a clock; what came from a patient is
never in a `repr`.
"""
