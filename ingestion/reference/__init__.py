"""The company's own words, landed like any other source: company.yml, alerts.yml and reference/*.csv."""
