"""Addresses of an agency's selling."""

from django.urls import path

from apps.portal import views_packages, views_payments, views_plans, views_sales

urlpatterns = [
    path("portal/payments", views_payments.portal_payments, name="portal_payments"),
    path("portal/payments/seller", views_payments.portal_seller, name="portal_seller"),
    path("portal/payments/stripe", views_payments.portal_stripe, name="portal_stripe"),
    path("portal/payments/stripe/off", views_payments.portal_stripe_off, name="portal_stripe_off"),
    path("sales", views_sales.sales, name="sales"),
    path("sales/invoices", views_sales.sales_invoices, name="sales_invoices"),
    path("sales/packages", views_packages.packages, name="packages"),
    path("sales/packages/new", views_packages.package_edit, name="package_create"),
    path("sales/packages/<uuid:pk>", views_packages.package_edit, name="package_edit"),
    path("sales/packages/<uuid:pk>/do", views_packages.package_do, name="package_do"),
    path("sales/plans", views_plans.plans, name="plans"),
    path("sales/plans/progress", views_plans.plans_progress, name="plans_progress"),
    path("sales/plans/new", views_plans.plan_edit, name="plan_create"),
    path("sales/plans/<uuid:pk>", views_plans.plan_edit, name="plan_edit"),
    path("sales/plans/<uuid:pk>/do", views_plans.plan_do, name="plan_do"),
    path("sales/of/<slug:client>/<uuid:pk>", views_sales.sale, name="sale"),
    path("sales/of/<slug:client>/<uuid:pk>/paid", views_sales.sale_paid, name="sale_paid"),
    path("sales/of/<slug:client>/<uuid:pk>/refund", views_sales.sale_refund, name="sale_refund"),
    path("sales/of/<slug:client>/invoices/<uuid:pk>", views_sales.sale_invoice, name="sale_invoice"),
    path("sales/of/<slug:client>/invoices/<uuid:pk>/paid", views_sales.sale_invoice_paid, name="sale_invoice_paid"),
]
