{{ newest_files('ad_daily') }}
