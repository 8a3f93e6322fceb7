"""The text of `rules/` turned into decisions.

The law: deciding is pure. It knows no file, no database and no clock, and the same rules give the same decision in
every process; only loading reads, and only from the rules folder.
"""
