"""Amazon SP-API: orders with items, finance transactions, FBA inventory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ingestion.company import Source
from ingestion.connector import Connector
from ingestion.http import Client
from ingestion.platforms.amazon import inventory, orders, transactions, window
from ingestion.platforms.amazon.client import SellingPartner


def connect(source: Source, client: Client | None = None) -> Connector:
    """The account's resources. Raises SourceError when marketplace or secrets are missing."""
    account = SellingPartner(source, client)

    def check() -> str:
        since = window.text(datetime.now(UTC) - timedelta(days=1))
        account.get(transactions.PATH, {"marketplaceId": account.marketplace_id, "postedAfter": since})
        return f"{source.id}: connected, marketplace {account.place}"

    return Connector([module.resource(account) for module in (orders, transactions, inventory)], check)
