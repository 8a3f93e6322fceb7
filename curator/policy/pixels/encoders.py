"""Which comments of a codestream may stay: `rules/pixels/encoders.toml` read.

The law: a comment stays only as a whole.

Sources: ITU-T T.81 B.2.4.5, T.800 A.9.2.
"""

from __future__ import annotations

import re

from curator.strict import Table

ENCODERS = "pixels/encoders.toml"
NO_COMMENT: re.Pattern[bytes] = re.compile(rb"(?!)")


def parse_encoders(document: Table) -> re.Pattern[bytes]:
    """What a whole comment may be by a file of rules; a final zero byte is no part of it.

    Raises:
        ConfigurationError: a rule is malformed or a pattern does not compile.
    """
    document.only(required=("rule",))
    patterns = []
    for rule in document.tables("rule"):
        rule.only(required=("id", "why", "source", "patterns", "example"))
        for pattern in rule.texts("patterns"):
            try:
                re.compile(pattern.encode())
            except re.error as error:
                raise rule.wrong("patterns", f"is no regular expression: {error}") from error
            patterns.append(pattern)
    if not patterns:
        return NO_COMMENT
    return re.compile(f"(?:{'|'.join(patterns)})\0?".encode())
