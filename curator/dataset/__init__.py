"""Datasets that leave the house: select, split by patient, freeze, verify, compare.

The law: the same catalogue, specification and versions give the same bytes, and every byte is under a checksum.
"""
