{{ newest_files('refund') }}
