"""A small warehouse written by hand."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("""
            CREATE SCHEMA core; CREATE SCHEMA audit;
            CREATE TABLE core.dim_store AS SELECT unnest(['us', 'jp']) AS store_id, DATE '2025-06-10' AS as_of_day;
            CREATE TABLE core.fct_order_line (store_id VARCHAR, date DATE, is_live BOOLEAN, quantity BIGINT,
                currency VARCHAR, gmv DECIMAL(18,4), gmv_native DECIMAL(18,4));
            INSERT INTO core.fct_order_line VALUES ('us', '2025-06-09', true, 1, 'USD', 5, 5),
                ('jp', '2025-06-09', true, 1, 'JPY', NULL, 500);
            CREATE TABLE core.fct_inventory_daily (store_id VARCHAR, on_hand_units BIGINT, sellable_units BIGINT);
            INSERT INTO core.fct_inventory_daily VALUES ('us', 1, 1), ('jp', 0, 0);
            CREATE TABLE core.fct_ad_daily (store_id VARCHAR, impressions BIGINT, clicks BIGINT);
            CREATE TABLE audit.freshness (source_id VARCHAR, store_id VARCHAR, newest_day DATE, landed_at TIMESTAMPTZ,
                sla_hours BIGINT, verdict VARCHAR);
            INSERT INTO audit.freshness VALUES ('us_sp', 'us', '2025-06-09', now(), 48, 'pass'),
                ('jp_sp', 'jp', '2025-06-09', now(), 48, 'pass'), ('fx', NULL, '2025-06-09', now(), 48, 'pass');
            CREATE TABLE audit.reconciliation (control VARCHAR, store_id VARCHAR, period_start DATE,
                left_value DECIMAL(38,4), right_value DECIMAL(38,4), difference DECIMAL(38,4),
                tolerance DECIMAL(38,4), explained BOOLEAN, reason VARCHAR, verdict VARCHAR);
            INSERT INTO audit.reconciliation VALUES
                ('fail_rows_landed', 'us', '2025-06-09', 1, 1, 0, 0, false, NULL, 'pass'),
                ('fail_rows_landed', 'jp', '2025-06-09', 1, 1, 0, 0, false, NULL, 'pass');
            CREATE TABLE audit.load (run_id VARCHAR, source_id VARCHAR, rows_landed BIGINT, rows_quarantined BIGINT,
                finished_at TIMESTAMPTZ, status VARCHAR);
            CREATE TABLE audit.metric_definition (metric VARCHAR, owner VARCHAR, unit VARCHAR, name_en VARCHAR,
                name_zh VARCHAR, review_by DATE, finding VARCHAR);
            INSERT INTO audit.metric_definition VALUES
                ('gmv', 'finance', 'currency', 'GMV', '商品交易总额', '2025-06-10', NULL),
                ('orders', 'operations', 'count', 'Orders', '订单量', '2025-06-10', NULL);
            INSERT INTO audit.load VALUES ('r1', 'us_sp', 10, 0, now(), 'landed'), ('r1', 'fx', 10, 0, now(), 'landed');
        """)
    return path
