"""What of a line that a detector found is text: by what it was read as, how surely, and how large it is.

The law: deciding is pure. A line is text where it reads as letters, or where the detector is sure of a word whatever it
says, for what is unreadable to the network may be a name. What is taller than the bound has to read as letters too.
"""

from __future__ import annotations

from dataclasses import dataclass

from curator.adapters.text_lines import Line
from curator.adapters.text_models import Reading

# Characters that rings, bars and blobs are read as.
_BLOBS = frozenset("0OoQDCcUu1Il6892")
_LATIN = 0x500
# What calipers, crosses and rulers are read as.
MARKS = frozenset("十+×Xx一-_—|二三*※·.,'… ")
# A line that is no taller, as a share of the picture's short side, is lower than organs are; nor is a letter longer.
_LOW = 0.3
# So many different letters make a medley, and the certainty that it needs.
_MEDLEY, _MEDLEY_SURE = 4, 0.58
# Fewer are no medley whatever they say, and the certainty that a tall one needs of which the detector is sure.
_FEW, _TALL_SURE = 3, 0.5
# So many letters or more, no more of them unlike and read with less certainty, are a scribble.
_SCRIBBLE, _SCRIBBLE_SURE = 4, 0.8
# A line that is so many times as long as high holds more than one letter, and a letter is no longer than that.
_WORD = 2.0
# No word repeats one letter only, as streaks and rows of beads do.
_UNLIKE = 2
# What could not be read and is longer, in times of its height, is an edge.
_SHORT = 4
# Share of the picture that two characters, or a medley, do not fill, and the certainty that so large a text needs.
_VAST, _VAST_SURE = 0.1, 0.9
# Lines lower than so many pixels are grain, unless they are read with this certainty: what people read is higher.
_GRAIN, _GRAIN_SURE = 8.0, 0.95


@dataclass(frozen=True, slots=True)
class Sureness:
    """How sure of a line one has to be; shares are 0 to 1.

    What the detector is at least `plain` sure of is a word also where it says little, at least `plainest` also where it
    says nothing, and a word taller than the bound at least `plain_tall`. `letters` is the certainty that a reading of
    one character needs where it has to be read at all, of two, three, and four or more.
    """

    plain: float = 0.6
    plainest: float = 0.8
    plain_tall: float = 0.7
    letters: tuple[float, ...] = (0.9, 0.95, 0.8, 0.8)


@dataclass(frozen=True, slots=True)
class Words:
    """Judges the lines of a picture whose shorter side is `short` and whose area is `area` pixels.

    `bound` is the height in pixels that ordinary text does not pass.
    """

    short: int
    area: int
    bound: float
    sureness: Sureness

    def is_tall(self, line: Line) -> bool:
        """Whether a line is taller than ordinary text."""
        return line.thickness > self.bound

    def is_plain_word(self, line: Line, reading: Reading) -> bool:
        """Whether the detector is sure of a word, whatever it says."""
        if self.is_tall(line):
            return self._is_tall_word(line, reading)
        is_word = line.length >= _WORD * line.thickness
        if is_word and line.thickness >= _GRAIN and line.score >= self.sureness.plainest:
            return True
        unlike = set(reading.text) - MARKS
        if len(unlike) < _UNLIKE or _is_scribble(reading) or line.score < self.sureness.plain:
            return False
        return is_word and len(reading.text) >= line.length / (_WORD * max(line.thickness, 1.0))

    def _is_tall_word(self, line: Line, reading: Reading) -> bool:
        """The same of a tall one: letters half read, as those of other scripts are, but lower than organs."""
        letters = letters_of(reading.text)
        unlike = len(set(letters))
        # Two letters are half a word too, but strokes of a curve read as one of them over and over.
        is_pair = unlike == len(letters) == 2 and line.score >= self.sureness.plainest
        is_medley = unlike >= _FEW and not _is_scribble(reading) and line.score >= self.sureness.plain_tall
        return (is_pair or is_medley) and reading.confidence >= _TALL_SURE and line.thickness <= _LOW * self.short

    def is_read(self, line: Line, reading: Reading) -> bool:
        """Whether it says letters or digits rather than what anatomy and curves are mistaken for."""
        letters = [] if MARKS.issuperset(reading.text) else letters_of(reading.text)
        if not letters or reading.confidence < self._least(line, letters):
            return False
        if len(letters) == 1:
            return letters[0] not in _BLOBS and line.length <= _LOW * self.short
        if len(letters) == 2 and self._is_vast(line, letters):
            return False
        return len(set(letters)) > 1 and not _is_scribble(reading)

    def _least(self, line: Line, letters: list[str]) -> float:
        """How certain a reading has to be."""
        sure = self.sureness.letters
        is_vast = self._is_vast(line, letters)
        # Letters of a script that the network knows little of come out as a medley.
        is_medley = len(set(letters)) >= _MEDLEY and not is_vast
        least = _MEDLEY_SURE if is_medley else sure[min(len(letters), len(sure)) - 1]
        if is_vast:
            least = max(least, _VAST_SURE)
        return max(least, _GRAIN_SURE) if line.thickness < _GRAIN else least

    def _is_vast(self, line: Line, letters: list[str]) -> bool:
        """Whether it is as large as an organ in area, and as high as one too or little else than one letter."""
        is_organ = line.thickness > _LOW * self.short or len(set(letters)) < _FEW
        return is_organ and line.width * line.height > _VAST * self.area

    def may_end_a_text(self, line: Line, reading: Reading) -> bool:
        """Whether it may belong to a text beside it: some letters, or something short, no taller than ordinary text."""
        if self.is_tall(line) or _is_scribble(reading):
            return False
        return bool(letters_of(reading.text)) or line.length <= _SHORT * line.thickness


def letters_of(text: str) -> list[str]:
    """The letters and digits of a text that the network knows well."""
    return [character for character in text if character.isalnum() and ord(character) < _LATIN]


def weight(reading: Reading) -> float:
    """How much a reading says for the way up that it was read: many letters, each certain."""
    return len(letters_of(reading.text)) * reading.confidence**2


def _is_scribble(reading: Reading) -> bool:
    """Whether it may be a ruler or a curve that rises and falls: they read as a few letters over and over."""
    letters = letters_of(reading.text)
    unlike = len(set(letters))
    is_monotonous = unlike <= len(letters) / 3 or reading.confidence < _SCRIBBLE_SURE
    return len(letters) >= _SCRIBBLE and unlike <= min(len(letters) / 2, _SCRIBBLE) and is_monotonous
