"""The company folder: what a company says about itself, validated with the line named in every error."""

from ingestion.company.errors import CompanyError
from ingestion.company.load import load_company
from ingestion.company.models import AlertRule, Company, Source, Store

__all__ = ["AlertRule", "Company", "CompanyError", "Source", "Store", "load_company"]
