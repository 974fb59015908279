-- Raised rather than returned: dbt reports of failing rows only how many they are.
{% set definitions = ref('audit_metric_definition') %}
{% if execute and load_relation(definitions) %}
    {% set found = run_query('select metric, file, finding from ' ~ definitions ~ ' where finding is not null order by 1') %}
    {% set lines = [] %}
    {% for row in found.rows %}{% do lines.append(row[0] ~ ' (' ~ row[1] ~ '): ' ~ row[2]) %}{% endfor %}
    {% if lines %}
        {% do exceptions.raise_compiler_error(
            lines | join('; ') ~ '. Raise `version` where the formula changed, then append to seeds/definition_history.csv'
            ~ ' what `dbt run-operation record_definitions` prints (CONTRIBUTING.md)'
        ) %}
    {% endif %}
{% endif %}

select metric
from {{ definitions }}
where finding is not null
