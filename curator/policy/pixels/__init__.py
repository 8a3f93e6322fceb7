"""The text of rules/pixels as records that decide.

The law: no threshold, word or coordinate stands in code.
"""
