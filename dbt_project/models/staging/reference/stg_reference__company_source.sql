{{ newest_table('company_source') }}
