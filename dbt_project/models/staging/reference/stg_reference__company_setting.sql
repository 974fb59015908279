{{ newest_table('company_setting') }}
