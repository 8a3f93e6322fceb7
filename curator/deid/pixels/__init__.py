"""Burned-in text: found, judged, scrubbed in the image's own transfer syntax, and proven gone.

The law: what cannot be read to the last frame is not released; what needs no change keeps its exact bytes.
"""
