"""Which countries have no postal codes, for vendors that want one everywhere else."""

from __future__ import annotations

# Countries without postal codes or whose codes are hardly used. Source: UPU guides.
_WITHOUT = (
    "AE AG AO AW BF BH BI BJ BO BS BW BZ CD CF CG CI CK CM CW DJ DM EG ER FJ GA GD GH GM GQ GY HK IE JM "
    "JO KE KI KM KN KP ML MO MR MW NG NR NU OM QA RW SB SC SL SO SR ST SX SY TD TF TG TK TL TO TV UG VU "
    "YE ZW"
)


def needs_postal_code(country: str) -> bool:
    """Return True when an address in the country is not whole without its postal code."""
    return country not in _WITHOUT.split()
