{{ newest_files('inventory_daily') }}
