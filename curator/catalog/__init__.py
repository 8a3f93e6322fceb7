"""The SQL record of what was released: tables, recording, queries, vendor names, diversity.

The law: the catalogue holds replacements and codes only, its keys are natural, so what it says depends on what was
recorded and never on the order it came in; recording the same thing again changes nothing.
"""
