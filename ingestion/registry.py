"""Which module reads which system; imported only when a source of that system is configured."""

from __future__ import annotations

import importlib
from typing import cast

from ingestion.company import Company, Source
from ingestion.connector import Connector, SourceError

MODULES = {
    "amazon": "ingestion.platforms.amazon",
    "amazon_ads": "ingestion.ads.amazon_ads",
    "mabang": "ingestion.erp.mabang",
    "fx": "ingestion.finance.fx",
}
RESOURCES = {
    "amazon": ("orders", "transactions", "fba_inventory"),
    "amazon_ads": ("sp_advertised_product",),
    "mabang": ("products", "stock"),
    "fx": ("rates",),
}


def connect(company: Company, source: Source) -> Connector:
    """The connector of a configured source. Raises SourceError when its settings or secrets do not suffice."""
    if source.id == "reference":
        from ingestion.reference.connector import connect as connect_reference

        return connect_reference(company)
    if source.system == "files":
        from ingestion.files.connector import connect as connect_files

        return connect_files(company, source)
    try:
        module = importlib.import_module(MODULES[source.system])
    except ModuleNotFoundError as error:
        raise SourceError(f"{source.id}: this build has no connector for {source.system} ({error.name})") from error
    return cast(Connector, module.connect(source))


def resource_names(source: Source) -> tuple[str, ...]:
    """What a source lands, without connecting."""
    if source.id == "reference":
        return ("reference",)
    if source.system == "files":
        return (source.entity or "files",)
    return RESOURCES[source.system]
