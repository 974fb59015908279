{{ newest_files('order_line') }}
