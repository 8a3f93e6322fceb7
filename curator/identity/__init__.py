"""Identifiers before and after: keyed codes, sealed references, and the search for what should be gone.

The law: everything here is a pure function of (key, input); no value is logged, stored or shown.
"""
