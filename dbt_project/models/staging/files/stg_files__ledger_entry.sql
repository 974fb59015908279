{{ newest_files('ledger_entry') }}
