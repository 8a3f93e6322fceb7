"""Studies of heads through a job: treated as a whole, released slice by slice, and what follows from them after them.

The law: a slice is released with the pixels that defacing proved for its whole volume, or not at all.
"""
