{{ newest_files('product_cost') }}
