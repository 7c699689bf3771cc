"""``/rates``: which products there are for a lane, and what each costs in three currencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from integrations.sandbox.dhl_express import tariff
from integrations.sandbox.dhl_express.errors import Refused
from integrations.sandbox.dhl_express.lane import Lane, account_number, lane
from integrations.sandbox.dhl_express.parameters import Parameters
from integrations.sandbox.dhl_express.planned import check_day, read_moment
from integrations.sandbox.dhl_express.tariff import Load, Price, Product
from integrations.sandbox.geography import COUNTRIES
from integrations.sandbox.rates import dollar_rate
from integrations.sandbox.twin import World

UNKNOWN_ACCOUNT = "The account number is not found or invalid. Please check the account number and retry."
_NO_PRODUCTS = "996: The requested product(s) not available based on your search criteria."
_SUNDAY = 6
_ONE_PIECE = ("weight", "length", "width", "height")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for, however it was asked."""

    lane: Lane
    day: date
    load: Load
    unit: str
    declarable: bool
    next_business_day: bool = False
    codes: Sequence[str] = ()
    standard_only: bool = False
    network: str = ""
    with_date: bool = True
    with_clearance: bool = False


class Quotes:
    """Answers both forms of the question.

    Settings: ``billing_currency`` (that of the origin), ``price_unavailable`` (false: MyDHL then tells prices of
    nought, and a warning).
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def many_pieces(self, body: dict[str, Any], *, strict: bool) -> dict[str, Any]:
        """Return the products for ``POST /rates``."""
        accounts = body.get("accounts")
        if accounts:
            account_number(accounts, UNKNOWN_ACCOUNT)
        elif "payerCountryCode" not in body:
            raise Refused(400, "1013: An account number or the payer's country code must be provided.")
        parties = body["customerDetails"]
        way = lane(parties["shipperDetails"], parties["receiverDetails"], strict=strict)
        day = read_moment(body["plannedShippingDateAndTime"]).date()
        wanted = body.get("estimatedDeliveryDate", {})
        codes = [item["productCode"] for item in body.get("productsAndServices", [])]
        if "productCode" in body:
            codes.append(body["productCode"])
        return self._answer(
            Wish(
                lane=way,
                day=day,
                load=tariff.load(body["packages"], body["unitOfMeasurement"]),
                unit=body["unitOfMeasurement"],
                declarable=body["isCustomsDeclarable"],
                next_business_day=body.get("nextBusinessDay", False),
                codes=codes,
                standard_only=body.get("returnStandardProductsOnly", False),
                network={"dayDefinite": "DD", "timeDefinite": "TD"}.get(body.get("productTypeCode", "all"), ""),
                with_date=wanted.get("isRequested", True),
                with_clearance=wanted.get("typeCode") == "QDDC",
            )
        )

    def one_piece(self, asked: Parameters) -> dict[str, Any]:
        """Return the products for ``GET /rates``."""
        asked.require(
            *("accountNumber", "originCountryCode", "originCityName", "destinationCountryCode", "destinationCityName"),
            *_ONE_PIECE,
            *("plannedShippingDate", "isCustomsDeclarable", "unitOfMeasurement"),
        )
        account_number([{"typeCode": "shipper", "number": asked.text("accountNumber")}], UNKNOWN_ACCOUNT)
        unit = asked.choice("unitOfMeasurement", ("metric", "imperial"))
        piece = {name: asked.number(name) for name in _ONE_PIECE}
        return self._answer(
            Wish(
                lane=lane(
                    _address(asked, "origin"),
                    _address(asked, "destination"),
                    strict=asked.flag("strictValidation"),
                ),
                day=asked.day("plannedShippingDate"),
                load=tariff.load([{"weight": piece["weight"], "dimensions": piece}], unit),
                unit=unit,
                declarable=asked.flag("isCustomsDeclarable"),
                next_business_day=asked.flag("nextBusinessDay"),
                with_date=asked.flag("requestEstimatedDeliveryDate", default=True),
                with_clearance=asked.choice("estimatedDeliveryDateType", ("QDDC", "QDDF"), "QDDF") == "QDDC",
            )
        )

    def _answer(self, wish: Wish) -> dict[str, Any]:
        origin, destination = wish.lane.origin.country, wish.lane.destination.country
        check_day(wish.day, origin, self._world.now())
        leaves = wish.day
        if leaves.weekday() == _SUNDAY:  # nobody collects on a Sunday
            if not wish.next_business_day:
                raise Refused(400, _NO_PRODUCTS)
            leaves += timedelta(days=1)
        found = [
            product
            for product in tariff.products(origin, destination, declarable=wish.declarable)
            if (not wish.codes or product.code in wish.codes)
            and not (wish.standard_only and product.agreement)
            and wish.network in ("", product.network)
        ]
        if not found:
            raise Refused(400, _NO_PRODUCTS)
        now = self._world.now()
        billed_in = self.billing_currency(origin)
        rate = dollar_rate(self._world.seed, billed_in, now) / dollar_rate(self._world.seed, tariff.BASE_CURRENCY, now)
        answer: dict[str, Any] = {
            "products": [self._told(product, wish, leaves) for product in found],
            "exchangeRates": [
                {
                    "currentExchangeRate": round(1 / rate, 6),
                    "currency": billed_in,
                    "baseCurrency": tariff.BASE_CURRENCY,
                }
            ],
        }
        if self.price_unavailable:
            answer["warnings"] = ["Price can't be calculated"]
        return answer

    @property
    def price_unavailable(self) -> bool:
        """Say whether MyDHL cannot tell prices now."""
        return bool(self._world.setting("dhl_express", "price_unavailable", False))

    def billing_currency(self, origin: str) -> str:
        """Return the currency the account is billed in."""
        return str(self._world.setting("dhl_express", "billing_currency", COUNTRIES[origin].currency))

    def prices(self, product: Product, way: Lane, kg: Decimal) -> tuple[Price, ...]:
        """Return what a product costs on a lane now."""
        return tariff.prices(
            product,
            way.origin.country,
            way.destination.country,
            kg,
            seed=self._world.seed,
            at=self._world.now(),
            billed_in=self.billing_currency(way.origin.country),
        )

    def _told(self, product: Product, wish: Wish, leaves: date) -> dict[str, Any]:
        way = wish.lane
        origin, destination = way.origin.country, way.destination.country
        days = tariff.transit_days(product, origin, destination, with_clearance=wish.with_clearance)
        arrives = tariff.arrival(product, leaves, days)
        delivery: dict[str, Any] = {
            "deliveryTypeCode": "QDDC" if wish.with_clearance else "QDDF",
            "estimatedDeliveryDateAndTime": arrives,
            "destinationServiceAreaCode": COUNTRIES[destination].airport,
            "deliveryAdditionalDays": 0,
            "deliveryDayOfWeek": date.fromisoformat(arrives[:10]).isoweekday(),
            "totalTransitDays": days,
        }
        if not wish.with_date:
            del delivery["estimatedDeliveryDateAndTime"]
        costs = self.prices(product, way, wish.load.charged)
        return {
            "productName": product.name,
            "productCode": product.code,
            "localProductCode": product.code,
            "localProductCountryCode": origin,
            "networkTypeCode": product.network,
            "isCustomerAgreement": product.agreement,
            "weight": {
                "volumetric": tariff.in_unit(wish.load.volumetric, wish.unit),
                "provided": tariff.in_unit(wish.load.provided, wish.unit),
                "unitOfMeasurement": wish.unit,
            },
            **(_no_price(costs) if self.price_unavailable else _priced(product, costs)),
            "pickupCapabilities": {
                "nextBusinessDay": leaves != wish.day,
                "localCutoffDateAndTime": f"{leaves.isoformat()}T16:00:00",
                "pickupEarliest": "09:30:00",
                "pickupLatest": "18:00:00",
                "originServiceAreaCode": COUNTRIES[origin].airport,
                "pickupAdditionalDays": 0,
                "pickupDayOfWeek": leaves.isoweekday(),
            },
            "deliveryCapabilities": delivery,
            "pricingDate": datetime.fromtimestamp(self._world.now(), UTC).date().isoformat(),
        }


def _priced(product: Product, costs: Sequence[Price]) -> dict[str, Any]:
    return {
        "totalPrice": [
            {"currencyType": cost.type, "priceCurrency": cost.currency, "price": cost.total} for cost in costs
        ],
        "totalPriceBreakdown": [
            {
                "currencyType": cost.type,
                "priceCurrency": cost.currency,
                "priceBreakdown": [{"typeCode": "STTXA", "price": 0}, {"typeCode": "SPRQT", "price": cost.freight}],
            }
            for cost in costs
        ],
        "detailedPriceBreakdown": [
            {
                "currencyType": cost.type,
                "priceCurrency": cost.currency,
                "breakdown": [
                    {"name": product.name, "price": cost.freight},
                    {
                        "name": "FUEL SURCHARGE",
                        "serviceCode": "FF",
                        "localServiceCode": "FF",
                        "serviceTypeCode": "SCH",
                        "price": cost.fuel,
                        "isCustomerAgreement": False,
                        "isMarketedService": False,
                    },
                ],
            }
            for cost in costs
        ],
    }


def _no_price(costs: Sequence[Price]) -> dict[str, Any]:
    nought = [{"currencyType": cost.type, "priceCurrency": cost.currency, "price": 0} for cost in costs]
    return {"totalPrice": nought}


def _address(asked: Parameters, side: str) -> dict[str, str]:
    return {
        "countryCode": asked.text(f"{side}CountryCode"),
        "cityName": asked.text(f"{side}CityName"),
        "postalCode": asked.text(f"{side}PostalCode"),
    }
