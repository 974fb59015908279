"""Is every number defined, and by whom? The definitions are those of the dbt project (`models/semantic`)."""

from expectations.probe import Probe, Suite

SUITE = Suite(
    name="definitions",
    asks="Has every metric an owner, a unit, both names, and a version for each formula?",
    probes=(
        Probe(
            asset="audit.metric_definition",
            says="projects without a metric are none",
            query="""
                SELECT 'fail_metrics_are_defined' AS check_name, NULL AS store_id,
                    CASE WHEN count(*) = 0 THEN 1 ELSE 0 END AS value
                FROM audit.metric_definition
            """,
        ),
        Probe(
            asset="audit.metric_definition",
            says="metrics without owner, unit, English or Chinese name are none",
            query="""
                SELECT 'warn_every_metric_has_owner_unit_and_names' AS check_name, NULL AS store_id,
                    count(*) FILTER (least(owner, unit, name_en, name_zh) = '') AS value
                FROM audit.metric_definition
            """,
        ),
        Probe(
            asset="audit.definition_change",
            says="metrics whose formula and version differ from the newest on record are none",
            query="""
                SELECT 'fail_changed_formula_has_a_new_version' AS check_name, NULL AS store_id,
                    count(finding) AS value
                FROM audit.metric_definition
            """,
        ),
        # The name of an overdue metric is in the check's name, so that its owner finds it in every report.
        Probe(
            asset="audit.metric_definition",
            says="metrics past their review_by date are none; look at the definition and set the next date",
            query="""
                SELECT 'warn_' || owner || '_reviews_' || CASE WHEN review_by < as_of_day THEN metric ELSE 'on_time' END
                        AS check_name,
                    NULL AS store_id,
                    count(*) FILTER (review_by < as_of_day) AS value
                FROM audit.metric_definition
                CROSS JOIN (SELECT max(as_of_day) AS as_of_day FROM core.dim_store)
                GROUP BY ALL
            """,
        ),
    ),
)
