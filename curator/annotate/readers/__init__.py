"""Masks as their tools wrote them, brought onto the grid of their image and into the declared labels.

The law: a mask fits its image and its labels were declared, or it is refused; nothing is resampled or guessed.
"""
