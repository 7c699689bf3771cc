"""Signifyd's stand-in: orders are screened before or after payment, and the decision may come later."""
