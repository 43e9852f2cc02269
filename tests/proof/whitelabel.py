"""The claims about the whitelabel portal: an agency's own business, and nobody else's name on it."""

from __future__ import annotations

from tests.proof.engines import ALL, printed
from tests.proof.run import Claims, shown_by

CLAIMS: Claims = {
    "business": (
        "The business in a browser: brand, domain, package, template; a client signs up, buys, calls, is invoiced; the margin",
        printed("business", "tests/browser/test_business.py", *ALL),
    ),
    "leaks": (
        "A reseller's host names nobody else and links nowhere: pages, mails, documents, exports, headers, cookies, errors",
        printed("leaks", "tests/test_leaks.py", *ALL),
    ),
    "hosts": (
        "Hosts: unknown, look-alike, spelled otherwise, forged; cookies and sessions stay at their brand",
        shown_by("tests/branding/test_hosts.py", "tests/portal/test_brand.py", "-k", "Host or hosts or Closed or spelling or 421 or forged or cookies or session or account"),
    ),
    "domains": (
        "Own domains: proof by DNS, grace, takeover, release",
        shown_by("tests/branding/test_domains.py", "-k", "not CertificateQuestionTest"),
    ),
    "certificate": (
        "The certificate question says yes only to hosts that answer, and only to the proxy",
        shown_by("tests/branding/test_domains.py", "-k", "CertificateQuestionTest"),
    ),
    "brand": (
        "Name, colours, fonts, pictures, mails, documents: what an agency sets is what is shown",
        shown_by("tests/portal/test_brand.py", "tests/branding/test_images.py", "tests/branding/test_sheets.py"),
    ),
    "ledger": (
        "The ledger under parallel calls, purchases, refunds, credits by hand, turns of a plan and crashes: every sum holds",
        printed("ledger", "tests/billing/test_money_property.py", *ALL),
    ),
    "payers": (
        "Two payers: a call of a client is held and booked on both accounts, or on neither",
        shown_by("tests/billing/test_payers.py", "tests/billing/test_services.py"),
    ),
    "payments": (
        "Payments over HTTP: cards, transfers, refunds, events twice, late and in another order",
        shown_by("tests/billing/test_purchasing.py", "tests/portal/test_stripe_plans.py", "tests/portal/test_sales.py", "tests/billing/test_billing_pages.py"),
    ),
    "invoices": (
        "Invoices: gapless under parallel payments, immutable, VAT by country and number",
        shown_by("tests/billing/test_invoicing.py", "tests/billing/test_vat.py"),
    ),
    "subscriptions": (
        "Plans: trial, included credits, lapse, overage, end, a late payment, a low balance",
        shown_by("tests/billing/test_subscriptions.py", "tests/billing/test_low_balance.py"),
    ),
    "reconciliation": (
        "The statement adds up: usage lines, ledger and invoices, to the cent; the margin is the agency's alone",
        shown_by("tests/portal/test_wallet.py"),
    ),
    "features": (
        "What is switched off is closed on every page and operation, and says so; limits hold",
        printed("switches", "tests/organizations/test_feature_table.py", "tests/organizations/test_room.py", "tests/assistants/test_allowed.py",
                 "tests/calls/test_allowed.py", "tests/portal/test_access.py", "tests/portal/test_plans.py"),
    ),
    "visits": (
        "Acting for a client: a reason, a banner, an end, both names on every line, and the client reads it",
        shown_by("tests/organizations/test_visits.py"),
    ),
    "clients": (
        "Sign-up, approval, free credits, copies of the library; the console, bulk actions, announcements",
        shown_by("tests/portal/test_sign_up.py", "tests/portal/test_library.py", "tests/portal/test_clients.py"),
    ),
    "embeds": (
        "Widgets on websites: only where they are allowed, with a key of their own",
        shown_by("tests/portal/test_embeds.py"),
    ),
    "operator": ("The operator's console", shown_by("tests/portal/test_operator.py", "tests/billing/test_admin.py")),
    "isolation": (
        "The walk: every page and operation to its owner, 404 to everybody else",
        shown_by("tests/test_isolation.py", figures=r"(?m)(?<=^walk: ).*$|\d+ passed[^\n]*"),
    ),
}  # fmt: skip
