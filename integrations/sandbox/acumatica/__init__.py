"""Acumatica's stand-in: cookie sessions, stock, sales and purchase orders, payments, invoices, long operations.

Written from the published endpoint Default 24.200.001.
"""

from integrations.sandbox.acumatica.twin import AcumaticaTwin

__all__ = ["AcumaticaTwin"]
