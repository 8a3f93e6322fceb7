"""What a report does not prove: the limits that apply to what it shows.

The law: a claim stands on the page only together with its limit.
"""

from __future__ import annotations

from curator.model.summary import JobSummary, ReleaseSummary

_FEW_CASES = 10
_CLEAN_PIXELS = "113101 "


def limits_of(summary: JobSummary) -> list[tuple[str, str]]:
    """Pairs of a limit's name and its explanation; each belongs to a part that the summary has."""
    return [*_release_limits(summary), *_dataset_limits(summary), *_model_limits(summary), _report_limit()]


def _release_limits(summary: JobSummary) -> list[tuple[str, str]]:
    if summary.release is None:
        return []
    limits = [
        (
            "The search finds what is known.",
            "Released bytes are searched for the identifiers that the source files themselves state about the person, "
            "in the spellings the search folds. A nickname that no header names, or a value misspelt beyond folding, "
            "is not found that way; free text is removed by the policy for this reason.",
        ),
        _pixel_limit(summary.release),
        (
            "Linkage is not measured.",
            "Pseudonyms stop looking up a person, not recognising one: rare combinations of device, date interval, "
            "anatomy and disease can single out somebody to those who know them. No k-anonymity is computed here.",
        ),
        (
            "The audit log shows change, not its end.",
            "Entries cut off at the end of the log are noticed only by who kept the hash that this page states.",
        ),
    ]
    weakened = [sentence for policy in summary.release.policies for sentence in policy.weakened]
    if weakened:
        limits.append(
            (
                "A recipe is weaker than the profile.",
                f"Whoever gave it answers for what it lets stay: {'; '.join(weakened)}.",
            )
        )
    if summary.release.verification is None:
        limits.append(
            (
                "Nobody searched again.",
                "Each file was searched in its final bytes when it was written. What happened to the folder since is "
                "shown by `curator deid verify`.",
            )
        )
    return limits


def _pixel_limit(release: ReleaseSummary) -> tuple[str, str]:
    if any(option.startswith(_CLEAN_PIXELS) for policy in release.policies for option in policy.options):
        return (
            "Pixels are read by a machine.",
            "Images that may show burned-in text were read, scrubbed and read again; text that no reader sees is not "
            "found, and images whose headers give no reason to look were not looked at. Faces are held back by "
            "headers, and in photographs by detectors.",
        )
    return (
        "Pixels are not read.",
        "Images that may show burned-in text or a face are held back by what their headers say and what kind of "
        "object they are. An image whose header hides both is not recognised by its pixels yet.",
    )


def _dataset_limits(summary: JobSummary) -> list[tuple[str, str]]:
    limits = []
    if summary.agreement is not None:
        limits.append(
            (
                "Agreement is not truth.",
                "Authors who share a habit agree and are wrong together; the consensus inherits what most of them do. "
                "Kappa and alpha depend on how much background is counted.",
            )
        )
    if summary.dataset is not None:
        limits.append(
            (
                "This page does not check the dataset.",
                "It reads the manifest as it is. `curator dataset verify` checks every byte against the lock.",
            )
        )
    if summary.diversity is not None:
        limits.append(
            (
                "Diversity is counted, not judged.",
                "It covers what headers state: devices, centres, modalities, body parts. It says nothing about age, "
                "sex, ancestry or disease.",
            )
        )
    return limits


def _model_limits(summary: JobSummary) -> list[tuple[str, str]]:
    limits = []
    if summary.training is not None:
        limits.append(
            (
                "Validation Dice flatters.",
                "The weights were chosen by it, so it is higher than on unseen images. Only a split that nothing was "
                "chosen on tells more.",
            )
        )
    if summary.evaluation is not None:
        fewest = min((group.cases for group in summary.evaluation.groups), default=0)
        small = f" The smallest group here has {fewest}." if fewest < _FEW_CASES else ""
        limits += [
            (
                "Intervals cover chance in sampling cases, nothing else.",
                "They come from resampling the cases at hand. Below about ten cases they are too narrow, and one case "
                f"has none.{small}",
            ),
            (
                "A gap has no cause.",
                "Vendors, centres, protocols and patients differ together; a gap between groups does not say which of "
                "them it comes from, and “not told apart” does not mean equal.",
            ),
            (
                "Other hospitals are not in the test.",
                "Unless the split was made so, it shares centres and devices with training. Whether the model holds "
                "elsewhere, or helps a patient, was not asked.",
            ),
        ]
    if summary.rehearsal is not None:
        limits.append(
            (
                "Phantoms are not patients.",
                "The rehearsal proves the way, not the world: its images are drawn by a program, and its scores say "
                "nothing about real ones.",
            )
        )
    return limits


def _report_limit() -> tuple[str, str]:
    return (
        "A page can be altered.",
        "It carries no signature. Compare its digests with the dataset, the policy and the audit log themselves; the "
        "same input gives this page again, to the byte.",
    )
