{{ newest_table('targets') }}
