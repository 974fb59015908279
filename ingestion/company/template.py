"""The commented company folder of `kpi init`."""

from __future__ import annotations

from pathlib import Path

from ingestion.company.errors import CompanyError

COMPANY = """\
# Your company. Secrets never go here: put them in the environment or in .env beside this file.
name: My Company
reporting_currency: GBP          # every KPI is shown in this currency; others need rates: a source of system fx
languages: [zh, en]
# week_start: monday
# lake: s3://bucket/folder       # where rows land; without it data/lake
# engine: spark                  # for those who outgrow one machine, see docs/scaling.md; without it duckdb

stores:                          # a business day is the store's local day
  - id: my_shop
    platform: own_site
    region: EU
    currency: GBP
    timezone: Europe/London
    opened_on: 2025-01-01
    stage: growth                # new, growth or mature

sources:
  # Files that people or an ERP job drop into inbox/my_orders/, read by a mapping:
  - {id: my_orders, system: files, store: my_shop, mapping: online_retail}
  # Amazon Selling Partner API, reads AMAZON_US_CLIENT_ID, AMAZON_US_CLIENT_SECRET, AMAZON_US_REFRESH_TOKEN:
  # - {id: amazon_us_sp, system: amazon, store: amazon_us, marketplace: US, credentials: AMAZON_US}

# slack: {channels: {default: "#kpi", data: "#kpi-data"}}   # with SLACK_BOT_TOKEN in the environment
"""
ALERTS = """\
# Who hears when a number goes wrong. Conditions: below, above, drop, below_level, source_failed, held, stale.
rules:
  - id: refunds_high
    metric: refund_rate
    grain: day
    scope: {type: store}
    condition: {above: 0.08}
    for: 2                       # days in a row
    min_volume: 50
    severity: critical
  - {id: sales_drop, metric: gmv, scope: {type: store}, condition: {drop: {by: 0.3, weeks: 4}}}
  - {id: source_down, condition: source_failed, severity: critical}
"""
REFERENCE = {
    "fx_rates.csv": "date,base,quote,rate,source",
    "products.csv": "sku,product_id,name,category,cost,first_leg,currency,effective_from",
    "org_units.csv": "org_unit,parent,name,kind,manager",
    "targets.csv": "metric,scope_type,scope_id,grain,period_start,target,floor,stretch,method,set_by,set_at,reason",
    "exemptions.csv": "metric,scope_type,scope_id,from,to,reason,approved_by",
}


def write_template(root: Path) -> None:
    """Write company.yml, alerts.yml, reference/ with its headers, inbox/ and .gitignore into `root`.

    Raises CompanyError when one of them exists already: nothing is overwritten.
    """
    files = {"company.yml": COMPANY, "alerts.yml": ALERTS, ".gitignore": "data/\n.env\n"}
    files |= {f"reference/{name}": header + "\n" for name, header in REFERENCE.items()}
    there = [name for name in files if (root / name).exists()]
    if there:
        raise CompanyError(f"{root} already has {', '.join(there)}; choose another folder, nothing was written")
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "inbox" / "my_orders").mkdir(parents=True, exist_ok=True)
