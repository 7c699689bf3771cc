"""Acumatica ERP over its contract-based REST API: stock, orders, purchases, payments and invoices."""

from __future__ import annotations

from integrations.vendors.acumatica.adapter import Acumatica

__all__ = ["Acumatica"]
