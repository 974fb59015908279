{{ newest_table('org_units') }}
