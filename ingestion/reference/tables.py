"""The reference tables: their columns, and what of them comes from company.yml and alerts.yml."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from ingestion.company import Company

TEXT, COUNT, DAY, MONEY, RATE = pa.string(), pa.int64(), pa.date32(), pa.decimal128(20, 9), pa.decimal128(18, 10)


def _schema(text: str, **typed: pa.DataType) -> pa.Schema:
    return pa.schema([(name, typed.get(name, TEXT)) for name in text.split()])


CONFIGURED = {
    "company_store": _schema("store_id platform region currency timezone opened_on stage org_unit", opened_on=DAY),
    "company_source": _schema("source_id system store_id mapping entity sla_hours", sla_hours=COUNT),
    "company_setting": _schema("key value"),
    "alert_rules": _schema(
        "rule_id metric grain scope_type scope_filter condition threshold weeks for_periods min_volume severity "
        "channel owner",
        threshold=MONEY, weeks=COUNT, for_periods=COUNT, min_volume=MONEY,
    ),
}  # fmt: skip
FILES = {
    "fx_rates": _schema("rate_date base quote rate source", rate_date=DAY, rate=RATE),
    "products": _schema(
        "sku product_id name category cost first_leg currency effective_from",
        cost=MONEY, first_leg=MONEY, effective_from=DAY,
    ),
    "org_units": _schema("org_unit parent name kind manager"),
    "targets": _schema(
        "metric scope_type scope_id grain period_start target floor stretch method set_by set_at reason",
        period_start=DAY, target=MONEY, floor=MONEY, stretch=MONEY,
    ),
    "exemptions": _schema(
        "metric scope_type scope_id date_from date_to reason approved_by", date_from=DAY, date_to=DAY
    ),
}  # fmt: skip
REQUIRED = {
    "fx_rates": ("rate_date", "base", "quote", "rate"),
    "products": ("sku",),
    "org_units": ("org_unit",),
    "targets": ("metric", "scope_type", "grain", "period_start", "target"),
    "exemptions": ("metric", "scope_type", "date_from", "date_to", "reason", "approved_by"),
}
HEADERS = {"fx_rates": {"date": "rate_date"}, "exemptions": {"from": "date_from", "to": "date_to"}}


def configured_rows(company: Company) -> dict[str, list[dict[str, Any]]]:
    """Rows of the tables that company.yml and alerts.yml feed."""
    return {
        "company_store": [
            {"store_id": s.id, **s.model_dump(exclude={"id"})}
            for s in company.stores
        ],
        "company_source": [
            {"source_id": s.id, "system": s.system, "store_id": s.store, "mapping": s.mapping, "entity": s.entity,
             "sla_hours": s.sla_hours}
            for s in company.sources
        ],
        "company_setting": [
            {"key": "name", "value": company.name},
            {"key": "reporting_currency", "value": company.reporting_currency},
            {"key": "week_start", "value": company.week_start},
        ],
        "alert_rules": [
            {"rule_id": r.id, "metric": r.metric, "grain": r.grain, "scope_type": r.scope.type,
             "scope_filter": json.dumps(r.scope.filter, sort_keys=True), "condition": r.condition.name,
             "threshold": r.condition.threshold, "weeks": r.condition.weeks, "for_periods": r.for_periods,
             "min_volume": r.min_volume, "severity": r.severity, "channel": r.channel, "owner": r.owner}
            for r in company.alert_rules
        ],
    }  # fmt: skip
