"""Free text cleaned: what is left says how an image was made and what it shows, never whose it is.

The law: a word that no rule knows does not stay, and the person's own identifiers never do, in whatever spelling.

Only `analyzer` and `recognizers` load presidio and spaCy; nothing else may import them, so that a job without a
cleaning option does not pay for them.
"""
