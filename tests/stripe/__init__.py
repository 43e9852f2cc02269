"""Stripe as a small server on loopback: accounts by key, Checkout with a page to click, and the signed events of each.

In a test: `with StripeServer() as stripe, override_settings(STRIPE_API_URL=stripe.url)`; on its own, for a browser:
`python -m tests.stripe --port 12111`.
"""

from tests.stripe.server import StripeServer

__all__ = ["StripeServer"]
