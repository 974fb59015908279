{{ newest_table('products') }}
