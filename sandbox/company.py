"""Writes the company folder of the simulated company, and names the credentials that its sources need."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

from sandbox.catalogue import (
    CHANGED_PURCHASE_FEN,
    CHANGED_SKU,
    PRODUCTS,
    STORES,
    Product,
    cost_change_day,
)
from sandbox.platforms import mabang
from sandbox.platforms.lwa import PREFIXES
from sandbox.platforms.state import credentials

SLACK_TOKEN = "xoxb-sandbox"


def environment(url: str) -> dict[str, str]:
    """Every environment variable that a run against the sandbox needs; all values are made up."""
    env: dict[str, str] = {}
    for prefix in PREFIXES:
        env.update(credentials(prefix))
    for store in STORES:
        env[f"AMAZON_{store.key.upper()}_ADS_PROFILE_ID"] = str(store.profile_id)
    env["MABANG_APP_KEY"] = mabang.APP_KEY
    env["MABANG_TOKEN"] = mabang.TOKEN
    env["SLACK_BOT_TOKEN"] = SLACK_TOKEN
    env["SLACK_API_URL"] = f"{url}/slack/api/"
    return env


def company_yml(url: str, opened_on: date) -> str:
    """The text of company.yml for a server at `url`."""
    lwa = f"{url}/lwa/auth/o2/token"
    lines = ["name: Sandbox Outdoor", "reporting_currency: USD", "languages: [zh, en]", "stores:"]
    for s in STORES:
        lines.append(
            f"  - {{id: {s.id}, platform: amazon, region: {s.region}, currency: {s.currency}, "
            f"timezone: {s.timezone}, opened_on: {opened_on}, stage: {s.stage}}}"
        )
    lines.append("sources:")
    for s in STORES:
        prefix = f"AMAZON_{s.key.upper()}"
        lines.append(
            f"  - {{id: amazon_{s.key}_sp, system: amazon, store: {s.id}, marketplace: {s.region}, "
            f"credentials: {prefix}, base_url: '{url}/sp/{s.key}', auth_url: '{lwa}'}}"
        )
        lines.append(
            f"  - {{id: amazon_{s.key}_ads, system: amazon_ads, store: {s.id}, "
            f"credentials: {prefix}_ADS, base_url: '{url}/ads', auth_url: '{lwa}'}}"
        )
    lines.append(f"  - {{id: mabang, system: mabang, credentials: MABANG, base_url: '{url}/mabang/api/v2'}}")
    lines.append(f"  - {{id: fx, system: fx, base_url: '{url}/fx'}}")
    lines.append('slack: {channels: {default: "#kpi", data: "#kpi-data"}}')
    return "\n".join(lines) + "\n"


ALERTS_YML = """rules:
  - id: gmv_fell
    metric: gmv
    grain: day
    scope: {type: store}
    condition: {drop: {by: 0.5, weeks: 4}}
    severity: critical
    channel: default
    owner: "@mei"
  - id: refunds_high
    metric: refund_rate
    grain: day
    scope: {type: store, region: US}
    condition: {above: 0.15}
    for: 2
    min_volume: 10
    severity: critical
    channel: default
    owner: "@mei"
  - id: ads_leak
    metric: acos
    grain: day
    scope: {type: store}
    condition: {above: 0.5}
    for: 2
    severity: warning
    channel: default
    owner: "@jun"
  - id: stock_out
    metric: stockout_rate
    grain: day
    scope: {type: store}
    condition: {above: 0.05}
    severity: critical
    channel: default
    owner: "@lan"
  - id: cover_short
    metric: days_of_cover
    grain: day
    scope: {type: store}
    condition: {below: 10}
    severity: warning
    channel: default
    owner: "@lan"
  - {id: source_down, metric: source_failed, condition: {source_failed: true}, severity: warning, channel: data}
  - {id: store_held, metric: held, condition: {held: true}, severity: critical, channel: data}
"""


def write_company(folder: Path, url: str, start: date, story_day: date) -> None:
    """Writes company.yml, alerts.yml and reference/products.csv; an existing folder only gets the new addresses."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "company.yml").write_text(company_yml(url, start), "utf-8")
    reference = folder / "reference"
    if (folder / "alerts.yml").exists():
        return
    (folder / "alerts.yml").write_text(ALERTS_YML, "utf-8")
    reference.mkdir(exist_ok=True)
    with (reference / "products.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["sku", "product_id", "name", "category", "cost", "first_leg", "currency", "effective_from"])
        for product in PRODUCTS:
            writer.writerow(_product_row(product, product.purchase_fen, start))
            if product.sku == CHANGED_SKU:
                writer.writerow(_product_row(product, CHANGED_PURCHASE_FEN, cost_change_day(story_day)))


def _product_row(product: Product, purchase_fen: int, effective_from: date) -> list[str]:
    cost, first_leg = (str(Decimal(fen) / 100) for fen in (purchase_fen, product.first_leg_fen))
    return [
        product.sku,
        product.sku.lower(),
        product.name,
        product.category,
        cost,
        first_leg,
        "CNY",
        effective_from.isoformat(),
    ]
