{{ newest_table('company_store') }}
