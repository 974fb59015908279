"""Did everything that arrived get through? The controls themselves are SQL (`audit.reconciliation`)."""

from expectations.probe import Probe, Suite

SUITE = Suite(
    name="completeness",
    asks="Do rows, keys and sums of source, landing, staging and facts agree?",
    probes=(
        Probe(
            asset="audit.reconciliation",
            says="the largest difference beyond its tolerance is 0, whatever the control's own verdict says",
            query="""
                SELECT control AS check_name, store_id,
                    coalesce(max(greatest(abs(difference) - tolerance, 0)), 0)::DOUBLE AS value
                FROM audit.reconciliation
                WHERE NOT (verdict = 'pass' AND coalesce(explained::VARCHAR, 'false') = 'true')
                GROUP BY ALL
            """,
        ),
        Probe(
            asset="audit.reconciliation",
            says="controls that could not be computed are none",
            query="""
                SELECT 'fail_every_control_is_computed' AS check_name, store_id,
                    count(*) FILTER (difference IS NULL OR tolerance IS NULL) AS value
                FROM audit.reconciliation WHERE control LIKE 'fail_%' GROUP BY ALL
            """,
        ),
        Probe(
            asset="audit.load",
            says="resources that failed to land in this run are none",
            query="""
                SELECT 'warn_every_resource_landed' AS check_name, freshness.store_id,
                    count(*) FILTER (load.status = 'failed') AS value
                FROM audit.load LEFT JOIN (SELECT DISTINCT source_id, store_id FROM audit.freshness) AS freshness
                    USING (source_id)
                WHERE load.run_id = (SELECT arg_max(run_id, finished_at) FROM audit.load)
                GROUP BY ALL
            """,
        ),
        Probe(
            asset="audit.quarantine",
            says="at most one row in a hundred of this run went to quarantine",
            query="""
                SELECT 'warn_few_rows_quarantined' AS check_name, freshness.store_id,
                    coalesce(sum(load.rows_quarantined) / nullif(sum(load.rows_landed + load.rows_quarantined), 0), 0)
                        AS value
                FROM audit.load LEFT JOIN (SELECT DISTINCT source_id, store_id FROM audit.freshness) AS freshness
                    USING (source_id)
                WHERE load.run_id = (SELECT arg_max(run_id, finished_at) FROM audit.load)
                GROUP BY ALL
            """,
            maximum=0.01,
        ),
    ),
)
