{{ newest_table('exemptions') }}
