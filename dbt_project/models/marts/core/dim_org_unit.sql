select
    org_unit,
    parent,
    name,
    kind,
    manager
from {{ ref('stg_reference__org_units') }}
