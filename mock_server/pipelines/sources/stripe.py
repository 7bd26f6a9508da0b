"""Payments as Stripe lists them."""

from __future__ import annotations

from functools import partial

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.node_type import Category, Step
from mock_server.pipelines.sources.draws import Draws, tokens
from mock_server.pipelines.sources.getters import entities_of, events_of, getter
from mock_server.pipelines.sources.reading import DAY, Reading, TimedReading, Wanted, events, moments, wanted

STRIPE = Category(15, "Stripe")
CUSTOMERS = 60
PRODUCTS = 8
_CURRENCIES = ("usd", "usd", "usd", "eur", "gbp")
_CLEARING = 2 * DAY


class Charges(TimedReading):
    status: Wanted = None
    currency: Wanted = None
    customer: Wanted = None


class Customers(TimedReading):
    currency: Wanted = None


class Invoices(TimedReading):
    status: Wanted = None
    customer: Wanted = None


class Subscriptions(TimedReading):
    status: Wanted = None
    customer: Wanted = None


class Refunds(TimedReading):
    status: Wanted = None


class Payouts(TimedReading):
    status: Wanted = None
    currency: Wanted = None


class Products(Reading):
    active: bool | None = None


class Balance(Reading):
    currency: Wanted = None


def _customer_of(draws: Draws) -> pl.Series:
    return tokens(draws.seed, "stripe.customers.id", draws.below("customer", CUSTOMERS), "cus_")


def _charge(draws: Draws, times: pl.Series) -> dict[str, pl.Series]:
    amounts = draws.between("amount", 500, 25_000)
    statuses = draws.choice("status", *["succeeded"] * 8, "pending", "failed")
    return {
        "charge_id": draws.tokens("id", "ch_"),
        "amount": amounts,
        "currency": draws.choice("currency", *_CURRENCIES),
        "status": statuses,
        "created": times,
        "customer": _customer_of(draws),
        "description": draws.sometimes("described", 80, draws.choice("description", "Subscription", "Order", "Seats")),
        "paid": statuses == "succeeded",
        "refunded": draws.flags("refunded", 4) & (statuses == "succeeded"),
        "product_id": tokens(draws.seed, "stripe.products.id", draws.below("product", PRODUCTS), "prod_"),
    }


def _customer(draws: Draws) -> dict[str, pl.Series]:
    label = draws.numbers.cast(pl.String)
    return {
        "customer": draws.tokens("id", "cus_"),
        "name": pl.select(pl.lit("Customer ") + label).to_series(),
        "email": pl.select(pl.lit("customer") + label + pl.lit("@example.com")).to_series(),
        "currency": draws.choice("currency", *_CURRENCIES),
        "country": draws.choice("country", "US", "US", "DE", "GB", "FR"),
        "created": moments(1_600_000_000 + draws.below("created", 1000) * DAY // 10),
        "delinquent": draws.flags("delinquent", 10),
    }


def _invoice(draws: Draws, times: pl.Series) -> dict[str, pl.Series]:
    amounts = draws.between("amount", 2_000, 90_000)
    statuses = draws.choice("status", *["paid"] * 6, "open", "open", "draft", "void")
    return {
        "invoice_id": draws.tokens("id", "in_"),
        "customer": _customer_of(draws),
        "amount_due": amounts,
        "amount_paid": pl.select(pl.when(pl.lit(statuses) == "paid").then(pl.lit(amounts)).otherwise(0)).to_series(),
        "currency": draws.choice("currency", *_CURRENCIES),
        "status": statuses,
        "created": times,
        "due_date": times.dt.offset_by("30d").cast(pl.Date),
    }


def _subscription(draws: Draws, times: pl.Series) -> dict[str, pl.Series]:
    return {
        "subscription_id": draws.tokens("id", "sub_"),
        "customer": _customer_of(draws),
        "product_id": tokens(draws.seed, "stripe.products.id", draws.below("product", PRODUCTS), "prod_"),
        "quantity": draws.between("quantity", 1, 20),
        "status": draws.choice("status", *["active"] * 7, "past_due", "canceled", "trialing"),
        "created": times,
    }


def _refund(draws: Draws, times: pl.Series) -> dict[str, pl.Series]:
    return {
        "refund_id": draws.tokens("id", "re_"),
        "customer": _customer_of(draws),
        "amount": draws.between("amount", 500, 9_000),
        "currency": draws.choice("currency", *_CURRENCIES),
        "reason": draws.choice("reason", "requested_by_customer", "duplicate", "fraudulent"),
        "status": draws.choice("status", "succeeded", "succeeded", "pending"),
        "created": times,
    }


def _payout(draws: Draws, times: pl.Series) -> dict[str, pl.Series]:
    return {
        "payout_id": draws.tokens("id", "po_"),
        "amount": draws.between("amount", 100_000, 900_000),
        "currency": draws.choice("currency", *_CURRENCIES),
        "status": draws.choice("status", "paid", "paid", "paid", "in_transit"),
        "created": times,
        "arrival_date": times.dt.offset_by("2d").cast(pl.Date),
    }


def _product(draws: Draws) -> dict[str, pl.Series]:
    return {
        "product_id": draws.tokens("id", "prod_"),
        "name": pl.select(pl.lit("Product ") + draws.numbers.cast(pl.String)).to_series(),
        "unit_amount": draws.between("unit_amount", 5, 250) * 100,
        "currency": draws.choice("currency", "usd"),
        "active": draws.flags("active", 85),
    }


def _balance(step: Step[Balance]) -> pl.DataFrame:
    """Add up the charges that succeeded, by currency; the latest are still pending."""
    every = Step(step.node, Charges(), {}, step.world)
    charges = events(every, "stripe.charges", 3 * 3600, _charge).filter(pl.col("status") == "succeeded")
    cleared = pl.col("created") <= moments(pl.Series([int(step.world.now) - _CLEARING])).item()
    found = charges.group_by("currency").agg(
        pl.col("amount").filter(cleared).sum().alias("available"),
        pl.col("amount").filter(~cleared).sum().alias("pending"),
    )
    return wanted(step, found.select("currency", "available", "pending").sort("currency"))


_events = partial(events_of, "stripe")
_entities = partial(entities_of, "stripe")
_type = partial(getter, STRIPE, "stripe")

NODE_TYPES = (
    _type("listCharges", "List Charges", "a list of charges from Stripe", Charges, _events("charges", 10_800, _charge)),
    _type("getBalance", "Get Balance", "the current Stripe account balance", Balance, _balance),
    _type(
        *("listCustomers", "List Customers", "a list of customers from Stripe", Customers),
        _entities("customers", CUSTOMERS, _customer),
    ),
    _type(
        "listInvoices",
        "List Invoices",
        "a list of invoices from Stripe",
        Invoices,
        _events("invoices", DAY // 2, _invoice),
    ),
    _type(
        *("listSubscriptions", "List Subscriptions", "a list of subscriptions from Stripe", Subscriptions),
        _events("subscriptions", 2 * DAY, _subscription),
    ),
    _type("listRefunds", "List Refunds", "a list of refunds from Stripe", Refunds, _events("refunds", DAY, _refund)),
    _type(
        "listPayouts", "List Payouts", "a list of payouts from Stripe", Payouts, _events("payouts", 2 * DAY, _payout)
    ),
    _type(
        *("listProducts", "List Products", "a list of products from Stripe", Products),
        _entities("products", PRODUCTS, _product),
    ),
)
