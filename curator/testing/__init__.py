"""A make-believe hospital, and builders of bad input: what tests and rehearsals run on.

The law: the same seed gives the same bytes on every run, and every identifier that was written anywhere stands in the
answer key with its place.
"""

from curator.testing.answer_key import AnswerKey, MadeFile, Plant, PlantKind
from curator.testing.hospital import make_hospital

__all__ = ["AnswerKey", "MadeFile", "Plant", "PlantKind", "make_hospital"]
