"""Exchange rates that are believable and move slowly, the same for the same seed, day and hour.

A currency's rate is its level of today times a walk: the logarithm moves by slow waves with phases drawn from the seed,
so that any moment can be asked for without walking there from another. Pegged currencies stay at their peg.
"""

from __future__ import annotations

import math
import random
from functools import lru_cache

# Units for one US dollar, about 2026; and how far, in percent, the rate strays.
CURRENCIES: dict[str, tuple[str, float, float]] = {
    "AED": ("United Arab Emirates Dirham", 3.6725, 0.0),
    "AUD": ("Australian Dollar", 1.5263, 4.0),
    "BGN": ("Bulgarian Lev", 1.6763, 3.0),
    "BHD": ("Bahraini Dinar", 0.376, 0.0),
    "BRL": ("Brazilian Real", 5.4178, 7.0),
    "CAD": ("Canadian Dollar", 1.3852, 2.5),
    "CHF": ("Swiss Franc", 0.8017, 3.0),
    "CNY": ("Chinese Yuan", 7.1205, 1.5),
    "CZK": ("Czech Koruna", 20.9204, 4.0),
    "DKK": ("Danish Krone", 6.3977, 3.0),
    "EGP": ("Egyptian Pound", 48.21, 5.0),
    "EUR": ("Euro", 0.857156, 3.0),
    "GBP": ("British Pound Sterling", 0.743916, 3.0),
    "HKD": ("Hong Kong Dollar", 7.8014, 0.3),
    "HUF": ("Hungarian Forint", 336.12, 5.0),
    "IDR": ("Indonesian Rupiah", 16402.0, 3.0),
    "ILS": ("Israeli New Sheqel", 3.3518, 5.0),
    "INR": ("Indian Rupee", 87.842, 2.0),
    "ISK": ("Icelandic Króna", 121.63, 3.0),
    "JOD": ("Jordanian Dinar", 0.709, 0.0),
    "JPY": ("Japanese Yen", 147.204, 5.0),
    "KRW": ("South Korean Won", 1388.4, 4.0),
    "KWD": ("Kuwaiti Dinar", 0.305612, 0.5),
    "MXN": ("Mexican Peso", 18.6631, 5.0),
    "MYR": ("Malaysian Ringgit", 4.2195, 3.0),
    "NOK": ("Norwegian Krone", 10.0644, 4.0),
    "NZD": ("New Zealand Dollar", 1.6915, 4.0),
    "OMR": ("Omani Rial", 0.384497, 0.0),
    "PHP": ("Philippine Peso", 56.98, 2.5),
    "PLN": ("Polish Zloty", 3.6483, 4.0),
    "QAR": ("Qatari Rial", 3.64, 0.0),
    "RON": ("Romanian Leu", 4.3364, 3.0),
    "SAR": ("Saudi Riyal", 3.7507, 0.02),
    "SEK": ("Swedish Krona", 9.4372, 4.0),
    "SGD": ("Singapore Dollar", 1.2847, 1.5),
    "THB": ("Thai Baht", 32.41, 3.0),
    "TRY": ("Turkish Lira", 41.182, 3.0),
    "USD": ("United States Dollar", 1.0, 0.0),
    "XAU": ("Gold Ounce", 0.000296, 6.0),
    "ZAR": ("South African Rand", 17.6432, 5.0),
}

_WAVES = (211.0, 47.0, 13.0, 2.7)  # days a wave takes; the longer it is, the further it carries
_REACH = (0.55, 0.28, 0.13, 0.04)


@lru_cache(maxsize=256)
def _phases(seed: int, currency: str) -> tuple[float, ...]:
    draw = random.Random(f"{seed}:rates:{currency}")
    return tuple(draw.uniform(0, 2 * math.pi) for _ in _WAVES)


def dollar_rate(seed: int, currency: str, at: float) -> float:
    """Return how much of a currency one US dollar buys at a moment (Unix seconds); raises KeyError for an unknown one."""
    _, level, stray = CURRENCIES[currency]
    if stray == 0:
        return level
    days = at / 86_400
    waves = zip(_WAVES, _REACH, _phases(seed, currency), strict=True)
    swing = sum(reach * math.sin(2 * math.pi * days / length + phase) for length, reach, phase in waves)
    return level * math.exp(stray / 100 * swing)
