from django.urls import path

from apps.billing import views, views_billing

urlpatterns = [
    path("usage/export", views.usage_csv, name="usage_csv"),
    path("usage/warning", views.usage_warning, name="usage_warning"),
    path("billing", views_billing.billing, name="billing"),
    path("billing/buy", views_billing.billing_buy, name="billing_buy"),
    path("billing/plan", views_billing.billing_plan, name="billing_plan"),
    path("billing/cards", views_billing.billing_cards, name="billing_cards"),
    path("billing/details", views_billing.billing_details, name="billing_details"),
    path("billing/purchases/<uuid:purchase>", views_billing.billing_purchase, name="billing_purchase"),
    path("billing/purchases/<uuid:purchase>/pay", views_billing.billing_pay, name="billing_pay"),
    path("billing/purchases/<uuid:purchase>/cancel", views_billing.billing_cancel, name="billing_cancel"),
    path("billing/invoices/<uuid:invoice>", views_billing.billing_invoice, name="billing_invoice"),
]
