"""`python -m tests.stripe --port 12111 [--webhook URL]`: the stand-in for a browser; STRIPE_API_URL points to it.

Any secret key is taken, except one that holds the word `wrong`. The webhook secret is printed; more webhooks can be set by
POST /v1/webhook_endpoints.
"""

from __future__ import annotations

import argparse

from tests.stripe.server import SECRET, StripeServer

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=12111)
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--webhook", action="append", default=[], help="an address of ours, /hooks/stripe/…")
options = parser.parse_args()
server = StripeServer(options.port, host=options.host, any_key=True)
server.hooks = [(url, SECRET) for url in options.webhook]
print(f"STRIPE_API_URL={server.url}\nwebhook secret: {SECRET}", flush=True)
server.serve()
