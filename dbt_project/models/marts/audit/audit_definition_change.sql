{{ config(alias='definition_change') }}

-- Who changed which definition, when, from what, to what and why.
select
    metric,
    version,
    changed_by,
    changed_on,
    lag(formula) over (partition by metric order by version) as formula_from,
    formula as formula_to,
    reason
from {{ ref('definition_history') }}
