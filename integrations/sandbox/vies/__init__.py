"""VIES' stand-in: the REST and the SOAP service of the European Commission, and the test service of both."""

from __future__ import annotations

from integrations.sandbox.vies.twin import ViesTwin

__all__ = ["ViesTwin"]
