{{ newest_table('fx_rates') }}
