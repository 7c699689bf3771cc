"""Rating: prices for a mailing scenario, and the services and options there are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from integrations.sandbox.canada_post import rates
from integrations.sandbox.canada_post.errors import business, not_found
from integrations.sandbox.canada_post.links import Links
from integrations.sandbox.canada_post.places import local
from integrations.sandbox.canada_post.rates import Charge, Service
from integrations.sandbox.canada_post.xml import RATE, Value
from integrations.sandbox.twin import World

_CLASSES = {**dict.fromkeys(("RASE", "RTS", "ABAN"), "NDI"), **dict.fromkeys(("DNS", "HFP", "LAD"), "DELI")}
_AMOUNTS = {"COV": Decimal(5000), "COD": Decimal(5000)}


class Quotes:
    """The rating services. Settings: ``contracts`` (the contract ids there are; unset: any)."""

    def __init__(self, world: World) -> None:
        self._world = world

    def price(self, asked: Value, french: bool, links: Links) -> Value:
        """Return ``price-quotes`` for a mailing scenario."""
        _customer(asked)
        check_contract(self._world, asked.get("contract-id"))
        mailed = check_mailing_date(asked, self._world.now())
        country, destination = _destination(asked["destination"])
        wanted = asked.get("services", {}).get("service-code", [])
        options = asked.get("options", {}).get("option", [])
        parcel, origin = asked["parcel-characteristics"], asked["origin-postal-code"]
        quotes = []
        for service in rates.services_to(country):
            if (wanted and service.code not in wanted) or not rates.fits(service, parcel):
                continue
            price = rates.charge(service, origin, destination, parcel, options)
            days = rates.transit(service, origin, destination)
            quotes.append(
                {
                    "service-code": service.code,
                    "service-link": _service_link(links, service, country),
                    "service-name": service.nom if french else service.name,
                    "price-details": _details(price),
                    "weight-details": {"cubed-weight": price.cubed},
                    "service-standard": {
                        "am-delivery": service.am,
                        "guaranteed-delivery": service.guaranteed,
                        "expected-transit-time": days,
                        "expected-delivery-date": rates.delivery_date(service, origin, destination, mailed),
                    },
                }
            )
        if not quotes:
            raise business("9111")
        return {"price-quote": quotes}

    def services(self, country: str | None, french: bool, links: Links) -> Value:
        """Return the services of a country, all of them without one."""
        found = rates.services_to(country) if country else list(rates.SERVICES.values())
        return {
            "service": [
                {
                    "service-code": service.code,
                    "service-name": service.nom if french else service.name,
                    "link": _service_link(links, service, country or ""),
                }
                for service in found
            ]
        }

    def service(self, code: str, french: bool, links: Links) -> Value:
        """Return what one service takes and which options it has."""
        service = rates.SERVICES.get(code)
        if service is None:
            raise not_found()
        size = {"@min": "0.1", "@max": "200.0"}
        return {
            "service-code": service.code,
            "service-name": service.nom if french else service.name,
            "options": {
                "option": [
                    {
                        "option-code": option,
                        "option-name": rates.OPTIONS[option][0],
                        "link": links.to(RATE, "option", f"/rs/ship/option/{option}"),
                        "mandatory": option == "DC",
                        "qualifier-required": option in _AMOUNTS,
                        "qualifier-max": _AMOUNTS.get(option),
                    }
                    for option in rates.OPTIONS
                    if (service.country != "CA") == (option in rates.NON_DELIVERY) or option in ("DC", "COV", "SO")
                ]
            },
            "restrictions": {
                # In grams, where every other weight is in kilograms.
                "weight-restriction": {"@min": "0", "@max": f"{service.most * 1000:f}"},
                "dimensional-restrictions": {"length": size, "width": size, "height": size},
                "density-factor": Decimal(6000),
                "can-ship-in-mailing-tube": True,
                "can-ship-unpackaged": service.country == "CA",
                "allowed-as-return-service": service.country == "CA",
            },
        }

    def option(self, code: str) -> Value:
        """Return one option."""
        if code not in rates.OPTIONS:
            raise not_found()
        return {
            "option-code": code,
            "option-name": rates.OPTIONS[code][0],
            "option-class": _CLASSES.get(code, "FEAT"),
            "prints-on-label": code != "DC",
            "qualifier-required": code in _AMOUNTS,
            "conflicting-options": {"option-code": ["LAD"]} if code == "SO" else None,
            "prerequisite-options": {"option-code": ["DC"]} if code in ("SO", "COV") else None,
        }


def check_mailing_date(asked: Mapping[str, Any], now: float) -> date:
    """Return the day a request is to be mailed, today unless it says; raises Refused for a day gone by."""
    today = local(now).date()
    mailed = date.fromisoformat(asked.get("expected-mailing-date", today.isoformat()))
    if mailed < today:
        raise business("1622")
    return mailed


def check_contract(world: World, contract: str | None) -> None:
    """Raise Refused for a contract that the setting ``contracts`` does not know."""
    known = world.setting("canada_post", "contracts", None)
    if contract is not None and known is not None and contract.zfill(10) not in {one.zfill(10) for one in known}:
        raise business("2550")


def _service_link(links: Links, service: Service, country: str) -> Value:
    query = f"?country={quote(country)}" if country else ""
    return links.to(RATE, "service", f"/rs/ship/service/{service.code}{query}")


def _customer(asked: Value) -> None:
    counter = asked.get("quote-type") == "counter"
    if counter and ("customer-number" in asked or "contract-id" in asked):
        raise business("9114")
    if not counter and "customer-number" not in asked:
        raise business("9113")


def _destination(destination: Value) -> tuple[str, str]:
    """Return country and postal code."""
    if "domestic" in destination:
        return "CA", destination["domestic"]["postal-code"]
    if "united-states" in destination:
        return "US", destination["united-states"]["zip-code"]
    abroad = destination["international"]
    return abroad["country-code"].upper(), abroad.get("postal-code", "")


def _details(price: Charge) -> Value:
    taxes = {}
    for name in ("gst", "pst", "hst"):
        rate, amount = price.rates[name], getattr(price, name)
        # A tax that is not asked for comes without its percentage, as in the vendor's samples.
        taxes[name] = {"@percent": f"{rate:.4f}", "#": amount} if rate else amount
    return {
        "base": price.base,
        "taxes": taxes,
        "due": price.due,
        "options": {
            "option": [
                {
                    "option-code": code,
                    "option-name": rates.OPTIONS.get(code, (code,))[0],
                    "option-price": amount,
                    "qualifier": {"included": True} if code == "DC" else None,
                }
                for code, amount in price.options
            ]
        },
        "adjustments": {
            "adjustment": [
                _adjustment("AUTDISC", "Automation discount", price.discount, rates.DISCOUNT_PERCENT),
                _adjustment("FUELSC", "Fuel surcharge", price.fuel, rates.FUEL_PERCENT),
            ]
        },
    }


def _adjustment(code: str, name: str, cost: Decimal, percent: Decimal) -> Value:
    return {
        "adjustment-code": code,
        "adjustment-name": name,
        "adjustment-cost": cost,
        "qualifier": {"percent": percent},
    }
