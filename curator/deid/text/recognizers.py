"""The rules of `rules/text/recognizers.toml` as recognizers of presidio-analyzer."""

from __future__ import annotations

from presidio_analyzer import Pattern, PatternRecognizer

from curator.policy.text import TextPattern

_CERTAIN = 1.0


def pattern_recognizer(rule: TextPattern, *, language: str) -> PatternRecognizer:
    """A recognizer that is called as its rule and finds what the rule's patterns find."""
    return PatternRecognizer(
        supported_entity=rule.entity,
        name=rule.id,
        supported_language=language,
        patterns=[
            Pattern(name=f"{rule.id} {number}", regex=pattern.pattern, score=_CERTAIN)
            for number, pattern in enumerate(rule.patterns, start=1)
        ],
        global_regex_flags=int(rule.patterns[0].flags),
    )
