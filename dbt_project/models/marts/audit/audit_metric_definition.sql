{{ config(alias='metric_definition') }}

-- Every definition as declared in models/semantic, inputs included, against the newest one on record.
with

declared (metric, file, version, owner, unit, name_en, name_zh, review_by, formula) as (
    values
    {% for metric in kpi_metrics() %}
    {% set meta = metric.config.meta %}
    (
        '{{ metric.name }}',
        '{{ metric.original_file_path }}',
        cast({{ meta.version }} as integer),
        {% for field in ('owner', 'unit', 'name_en', 'name_zh') %}
        '{{ (meta[field] or '') | replace("'", "''") }}',
        {% endfor %}
        cast('{{ meta.review_by }}' as date),
        '{{ full_formula(metric.name) | replace("'", "''") }}'
    ){{ ',' if not loop.last }}
    {% endfor %}
),

recorded as (
    select
        metric,
        max(version) as version,
        max_by(formula, version) as formula
    from {{ ref('definition_history') }}
    group by metric
),

final as (
    select
        declared.*,
        recorded.version as recorded_version,
        recorded.formula as recorded_formula,
        case
            when recorded.version is null or declared.version > recorded.version
                then 'version ' || declared.version || ' is not on record'
            when declared.version < recorded.version
                then 'version ' || declared.version || ' is older than version ' || recorded.version || ' on record'
            when declared.formula <> recorded.formula
                then 'the formula changed and the version is still ' || declared.version
        end as finding
    from declared
    left join recorded on declared.metric = recorded.metric
)

select * from final
