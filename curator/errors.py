"""Every error the engine raises on purpose.

    CuratorError
    ├── UsageError            what was asked for cannot be done as asked          exit 2
    │   ├── ConfigurationError    a configuration or job file is wrong
    │   └── RuleError             a rule file is wrong or policies conflict
    ├── RefusedError          doing it would be unsafe                            exit 3
    │   ├── KeyPlacementError     a key file where data may leave
    │   ├── KeyMaterialError      a key that is weak, wrong or tampered with
    │   └── IntegrityError        a dataset, table or ledger that is not what its digest says
    └── ItemError             one item cannot be processed: quarantined by its reason, the job goes on

The law: no message ever holds a patient's value, a source path or a source file name.
"""

from __future__ import annotations

from curator.model.quarantine import Reason

EXIT_DONE = 0
EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3


class CuratorError(Exception):
    """The root; `exit_code` is what the command line returns for it."""

    exit_code = EXIT_USAGE


class UsageError(CuratorError):
    """What was asked for cannot be done as asked."""


class ConfigurationError(UsageError):
    """A configuration or job file is wrong; the sentence names the key and the nearest known one."""


class RuleError(UsageError):
    """A rule file is wrong, or the chosen options contradict each other."""


class RefusedError(CuratorError):
    """Doing it would be unsafe."""

    exit_code = EXIT_REFUSED


class KeyPlacementError(RefusedError):
    """A key file lies, or would lie, where data may leave."""


class KeyMaterialError(RefusedError):
    """A key is too short, the wrong one, unreadable or tampered with."""


class IntegrityError(RefusedError):
    """A dataset, table or ledger is not what its recorded digest says."""


class ItemError(CuratorError):
    """One item cannot be processed; it is quarantined under `reason` and the job goes on.

    `detail` is for the steward and holds structure only (tags, offsets, sizes), never a value.
    """

    exit_code = EXIT_FINDINGS

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[ItemError], tuple[Reason, str]]:
        """Errors cross process borders; the default would lose `detail`."""
        return (type(self), (self.reason, self.detail))
