"""Content items of structured reports, judged one by one by concept and value type.

The law: a tree stays a tree: an item goes with all it holds, and where items are counted, each keeps its place.
"""
