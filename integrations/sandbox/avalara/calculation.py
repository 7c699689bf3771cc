"""What a sale owes: each line at the place it goes to, authority by authority.

- Without nexus there (setting ``nexus``) nothing is owed, and that is no error: the detail says NexusRule at rate 0.
- In the US the destination decides. Clothing (PC04…) is free in MN, NJ and PA, freight (FR…) in CA, NT everywhere.
- Value added tax is owed at the destination when the goods come from the same country or both are in the European Union,
  for an import only when the seller is the importer of record; a buyer in another country of the Union who gives a VAT
  number owes it himself. Canada's federal tax is owed in any case, as recorded.
- An entity use code or an exemption number makes a line exempt, an override of type TaxAmount replaces its tax, while
  ``taxCalculated`` keeps what it would have been.

Rounding is to the unit of the currency (half up) for each authority; of an amount that includes its tax the last
authority takes what is left, and the line then shows the net amount (both as recorded).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal

from integrations.sandbox.avalara.errors import Refused, calculation_failed
from integrations.sandbox.avalara.jurisdictions import UNION, Jurisdiction, authorities
from integrations.sandbox.avalara.models import Model
from integrations.sandbox.avalara.places import REGIONS, country_code, fits, region_code, region_of
from integrations.sandbox.geography import unit

_FREE_CLOTHING, _FREE_FREIGHT = ("MN", "NJ", "PA"), ("CA",)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An address, normalised. ``role`` is the name it had in the request."""

    role: str
    line1: str
    line2: str
    line3: str
    city: str
    region: str
    postal_code: str
    country: str

    @property
    def key(self) -> tuple[str, ...]:
        """Return what makes two addresses the same."""
        return self.line1, self.line2, self.city, self.region, self.postal_code, self.country


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What one authority takes of a line."""

    jurisdiction: Jurisdiction
    taxable: Decimal = _ZERO
    exempt: Decimal = _ZERO
    free: Decimal = _ZERO  # not taxable, for which ``rule`` is the reason
    tax: Decimal = _ZERO
    calculated: Decimal = _ZERO
    rule: str = "RateRule"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxedLine:
    """A line with its tax. ``amount`` is without tax and before the discount."""

    number: str
    model: Model
    origin: Place
    destination: Place
    amount: Decimal
    discount: Decimal
    details: tuple[Detail, ...]
    overridden: Decimal | None = None

    @property
    def taxable(self) -> Decimal:
        """Return what is taxed by any authority at all."""
        return max((detail.taxable for detail in self.details), key=abs, default=_ZERO)

    @property
    def exempt(self) -> Decimal:
        """Return what is left of the amount."""
        return self.amount - self.discount - self.taxable

    @property
    def tax(self) -> Decimal:
        """Return the tax, the override where there is one."""
        return sum((detail.tax for detail in self.details), _ZERO) if self.overridden is None else self.overridden

    @property
    def calculated(self) -> Decimal:
        """Return the tax there would be without an override."""
        return sum((detail.calculated for detail in self.details), _ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxed:
    """A whole sale, computed."""

    lines: tuple[TaxedLine, ...] = field(default=())

    def total(self, name: str) -> Decimal:
        """Return the sum of a line's figure: amount, discount, taxable, exempt, tax or calculated."""
        return sum((getattr(line, name) for line in self.lines), _ZERO)


def compute(sale: Model, nexus: Collection[str]) -> Taxed:
    """Return the tax of a sale; raises ``Refused`` when an address is missing or not to be found."""
    smallest = unit((sale["currencyCode"] or "USD").upper())
    discounts = _shared_out(sale, smallest)
    lines = [
        _tax_line(sale, line, index, discounts[index], smallest, nexus) for index, line in enumerate(sale["lines"])
    ]
    _check_postal_codes(lines)
    override = sale["taxOverride"] or {}
    if override.get("type") == "TaxAmount" and override["taxAmount"] is not None:
        shares = _split(override["taxAmount"], [line.amount for line in lines], smallest)
        lines = [override_tax(line, share, smallest) for line, share in zip(lines, shares, strict=True)]
    return Taxed(lines=tuple(lines))


def override_tax(line: TaxedLine, tax: Decimal, smallest: Decimal) -> TaxedLine:
    """Return the line with another tax, shared by its authorities as the computed one was."""
    weights = [detail.calculated for detail in line.details]
    shares = _split(tax, weights, smallest) if line.details else []
    details = tuple(replace(detail, tax=share) for detail, share in zip(line.details, shares, strict=True))
    return replace(line, details=details, overridden=tax)


def _tax_line(
    sale: Model, line: Model, index: int, discount: Decimal, smallest: Decimal, nexus: Collection[str]
) -> TaxedLine:
    number = line["number"] or str(index + 1)
    origin, destination = _ends(sale, line, number)
    here = _owed(sale, line, origin, destination, nexus)
    amount = line["amount"]
    net = amount - discount
    exempt = _is_exempt(sale, line)
    included: Decimal | None = None
    rate = sum((one.rate for one, rule in here if rule == "RateRule"), _ZERO)
    if line["taxIncluded"] and not exempt and rate:
        base = _rounded(net / (1 + rate), smallest)
        included, amount, net = net - base, base + discount, base
    details = [_detail(one, rule, net, smallest, exempt=exempt) for one, rule in here]
    if included is not None and details:
        last = included - sum((detail.tax for detail in details[:-1]), _ZERO)
        details[-1] = replace(details[-1], tax=last, calculated=last)
    made = TaxedLine(
        number=number,
        model=line,
        origin=origin,
        destination=destination,
        amount=amount,
        discount=discount,
        details=tuple(details),
    )
    override = line["taxOverride"] or {}
    if override.get("type") == "TaxAmount" and override["taxAmount"] is not None:
        return override_tax(made, override["taxAmount"], smallest)
    return made


def _detail(one: Jurisdiction, rule: str, net: Decimal, smallest: Decimal, *, exempt: bool) -> Detail:
    if rule != "RateRule":
        return Detail(jurisdiction=one.zero(), free=net, rule=rule)
    if exempt:
        return Detail(jurisdiction=one, exempt=net, rule="ExemptEntityRule")
    tax = _rounded(net * one.rate, smallest)
    return Detail(jurisdiction=one, taxable=net, tax=tax, calculated=tax)


def _owed(
    sale: Model, line: Model, origin: Place, destination: Place, nexus: Collection[str]
) -> list[tuple[Jurisdiction, str]]:
    """Return the authorities of a line, each with the rule that applies: RateRule means its rate."""
    country, region = destination.country, destination.region
    here = authorities(country, region, destination.postal_code)
    if country == "US":
        if f"US-{region}" not in nexus:
            return [(one, "NexusRule") for one in here[:1]]
        rule = "ProductTaxabilityRule" if _untaxed(line, region) else "RateRule"
        return [(one, rule) for one in here]
    if country == "CA":
        known = [one for one in here if (one.region if one.kind == "Country" else f"CA-{one.region}") in nexus]
        rule = "ProductTaxabilityRule" if _untaxed(line, region) else "RateRule"
        return [(one, rule) for one in known] or [(one, "NexusRule") for one in here[:1]]
    if country not in nexus:
        return [(one, "NexusRule") for one in here]
    if _untaxed(line, ""):
        return [(one, "ProductTaxabilityRule") for one in here]
    union = origin.country in UNION and country in UNION
    if origin.country == country:
        owed = True
    elif union:
        owed = not (line["businessIdentificationNo"] or sale["businessIdentificationNo"])
    else:
        owed = bool(sale["isSellerImporterOfRecord"])
    return [(one, "RateRule" if owed else "OtherRule") for one in here]


def _is_exempt(sale: Model, line: Model) -> bool:
    """Return True for a buyer who does not pay; the line's own entity use code wins, TAXABLE takes it back."""
    use = [model[name] for model in (line, sale) for name in ("entityUseCode", "customerUsageType") if model[name]]
    if use:
        return bool(use[0].upper() != "TAXABLE")
    return bool(line["exemptionCode"] or sale["exemptionNo"])


def _untaxed(line: Model, region: str) -> bool:
    code = (line["taxCode"] or "P0000000").upper()
    return (
        code == "NT"
        or (code.startswith("PC04") and region in _FREE_CLOTHING)
        or (code.startswith("FR") and region in _FREE_FREIGHT)
    )


def _ends(sale: Model, line: Model, number: str) -> tuple[Place, Place]:
    """Return where the goods of a line come from and go to; a line's own addresses win, each on its own."""
    given = {name: value for name, value in (sale["addresses"] or {}).items() if value}
    own = {name: value for name, value in (line["addresses"] or {}).items() if value}
    if own:
        given = {**given, **own}
        if "singleLocation" in own:
            given = {"singleLocation": own["singleLocation"]}
        elif {"shipFrom", "shipTo"} & own.keys():
            given.pop("singleLocation", None)
    single = given.get("singleLocation")
    origin, destination = given.get("shipFrom") or single, given.get("shipTo") or single
    if origin is None or destination is None:
        raise Refused(
            "MissingAddress",
            "Transactions must have both an origin and destination address.",
            f"The line {number} must have both an origin and destination address.  You must either assign a "
            "'SingleLocation' address or both a 'ShipFrom' and a 'ShipTo' address.",
        )
    role = "SingleLocation" if single else ""
    return _place(origin, role or "ShipFrom"), _place(destination, role or "ShipTo")


def _place(address: Model, role: str) -> Place:
    country = country_code(address["country"] or "US")
    if country is None:
        raise calculation_failed(
            "CountryError", "Unknown country name or code.", str(address["country"]), f"Addresses[{role}]"
        )
    region = region_code(country, address["region"] or "")
    if not address["region"] and country in REGIONS:
        found = region_of(country, address["postalCode"] or "")
        region = None if found is None else found.code
    if region is None:
        raise calculation_failed(
            "RegionCodeError",
            "Invalid or missing state/province code.",
            f"The region '{address['region'] or ''}' is not known in {country}.",
            f"Addresses[{role}]",
        )
    texts = {name: (address[name] or "").strip() for name in ("line1", "line2", "line3", "city")}
    return Place(
        role=role,
        region=region,
        postal_code=(address["postalCode"] or "").strip(),
        country=country,
        **texts,
    )


def _check_postal_codes(lines: Iterable[TaxedLine]) -> None:
    """Raise the refusal for every line one of whose places has a postal code of another state."""
    wrong = [
        f'Addresses[{index}]; Line["{line.number}"] : {place.region} {place.postal_code}'
        for line in lines
        for index, place in enumerate((line.origin, line.destination))
        if not fits(place.country, place.region, place.postal_code)
    ]
    if wrong:
        raise calculation_failed(
            "InvalidZipForStateError",
            "Tax calculation cannot be determined. Zip is not valid for the state.",
            "The provided address contains a postal code and state combination that is not valid.",
            *wrong,
        )


def _shared_out(sale: Model, smallest: Decimal) -> list[Decimal]:
    """Return each line's part of the discount, by its amount; raises ``Refused`` when no line is discounted."""
    discount, lines = sale["discount"] or _ZERO, sale["lines"]
    if not discount:
        return [_ZERO] * len(lines)
    weights = [line["amount"] if line["discounted"] else _ZERO for line in lines]
    if not any(weights):
        raise Refused(
            "NoLinesDiscounted",
            "Transaction has no lines which are discounted.",
            "The CreateTransactionModel object with discount amount set must have at least one line which is discounted.",
        )
    return _split(discount, weights, smallest)


def _split(amount: Decimal, weights: list[Decimal], smallest: Decimal) -> list[Decimal]:
    """Return the amount in parts as large as the weights, rounded; the last part with a weight takes what is left."""
    if not any(weights):
        weights = [Decimal(1)] * len(weights)
    whole, left, shares = sum(weights, _ZERO), amount, []
    last = max(index for index, weight in enumerate(weights) if weight)
    for index, weight in enumerate(weights):
        share = left if index == last else _rounded(amount * weight / whole, smallest) if weight and whole else _ZERO
        left -= share
        shares.append(share)
    return shares


def _rounded(amount: Decimal, smallest: Decimal) -> Decimal:
    return amount.quantize(smallest, rounding=ROUND_HALF_UP)
