"""How a report calls things."""

from __future__ import annotations

from curator.model.summary import AgreementSummary

NOT_STATED = "(not stated)"
_ATTRIBUTES = {
    "vendor": "Vendor",
    "ManufacturerModelName": "Device model",
    "centre_code": "Centre",
    "device_code": "Device",
    "author_code": "Author",
    "Modality": "Modality",
    "BodyPartExamined": "Body part",
    "split": "Split",
}


def attribute_name(attribute: str) -> str:
    """A heading for an attribute of a series; the attribute itself where there is no better one."""
    return _ATTRIBUTES.get(attribute, attribute)


def author_names(summary: AgreementSummary) -> list[str]:
    """What each author is called: a number and the declared roles; the table of authors has the codes."""
    return [
        " · ".join((f"author {number}", *(role for role in each.roles if role)))
        for number, each in enumerate(summary.authors, start=1)
    ]


def percent(part: int, whole: int) -> str:
    """`part` of `whole` in percent; `0 %` of nothing. Never 0 % or 100 % for what is not none or all."""
    if not whole:
        return "0 %"
    share = 100 * part / whole
    if 0 < share < 0.1:
        return "< 0.1 %"
    if 99.9 < share < 100:
        return "> 99.9 %"
    return f"{share:.1f} %".replace(".0 %", " %")


def decimal(value: float | None, digits: int = 3) -> str:
    """A number as text; an en dash where there is none, `∞` where it is infinite."""
    if value is None or value != value:
        return "–"
    return "∞" if value == float("inf") else f"{value:.{digits}f}"
