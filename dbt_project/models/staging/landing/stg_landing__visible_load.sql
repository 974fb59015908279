{{ config(materialized='table') }}

-- Complete loads only. A table built once per run, so that one build sees one set of loads.
{{ complete_loads() }}
