"""Is every source as new as it promised to be? Only warns: there is nothing newer that could be held back."""

from expectations.probe import Probe, Suite

SUITE = Suite(
    name="freshness",
    asks="Did every source of every store deliver its newest complete business day within its SLA?",
    probes=(
        Probe(
            asset="audit.freshness",
            says="hours between the newest complete day and the as-of day, beyond the source's SLA, are none",
            # Reference files are landed only when they change: their age says nothing.
            query="""
                SELECT 'warn_source_within_sla' AS check_name, freshness.store_id,
                    max(greatest(24 * date_diff('day', freshness.newest_day, coalesce(
                        dim_store.as_of_day, (SELECT min(as_of_day) FROM core.dim_store)
                    )) - freshness.sla_hours, 0)) AS value
                FROM audit.freshness LEFT JOIN core.dim_store USING (store_id)
                WHERE freshness.newest_day IS NOT NULL AND freshness.source_id <> 'reference'
                GROUP BY ALL
            """,
        ),
        Probe(
            asset="audit.freshness",
            says="sources that never delivered a business day are none",
            query="""
                SELECT 'warn_source_delivered_something' AS check_name, store_id,
                    count(*) FILTER (newest_day IS NULL) AS value
                FROM audit.freshness WHERE source_id <> 'reference' GROUP BY ALL
            """,
        ),
        Probe(
            asset="audit.freshness",
            says="the sources of one store are at most 2 days apart",
            query="""
                SELECT 'warn_sources_of_a_store_in_step' AS check_name, store_id,
                    date_diff('day', min(newest_day), max(newest_day)) AS value
                FROM audit.freshness WHERE newest_day IS NOT NULL AND store_id IS NOT NULL GROUP BY ALL
            """,
            maximum=2,
        ),
    ),
)
