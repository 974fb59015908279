"""What company.yml and alerts.yml may say."""

from __future__ import annotations

import re
import zoneinfo
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    model_validator,
)

from ingestion.connector import SourceError

SYSTEMS = ("amazon", "amazon_ads", "mabang", "fx", "files")
PLANNED_SYSTEMS = (
    "shopify", "walmart", "tiktok_shop", "ebay", "shopee", "lazada", "google_ads", "meta_ads", "tiktok_ads",
    "google_analytics", "tongtool", "dianxiaomi", "lingxing", "quickbooks",
)  # fmt: skip
BUCKETS = ("s3", "gs", "az")
STORE_SYSTEMS = ("amazon", "amazon_ads")
OPTIONS: dict[str, tuple[str, ...]] = {
    "amazon": ("look_back_days", "poll_seconds"),
    "amazon_ads": ("profile_id", "region", "look_back_days", "poll_seconds"),
    "mabang": ("currency", "page_size", "timezone"),
    "fx": ("base", "quotes", "currencies", "provider"),
    "files": (),
}


def _id(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", value) or "__" in value:
        raise ValueError(f"`{value}` is not an id: lower-case letters, digits and single underscores, a letter first")
    return value


def _currency(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise ValueError(f"`{value}` is not a currency: three capital letters of ISO 4217, such as USD")
    return value


def _zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"`{value}` is not a time zone; write it as America/Los_Angeles") from None
    return value


def _system(value: str) -> str:
    if value in SYSTEMS:
        return value
    if value in PLANNED_SYSTEMS:
        raise ValueError(f"`{value}` has no connector yet; supported: {', '.join(SYSTEMS)} (files reads its exports)")
    raise ValueError(f"`{value}` is not a known system; supported: {', '.join(SYSTEMS)}")


def _decimal(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, float) else value


def _bucket(value: str) -> str:
    scheme, _, path = value.partition("://")
    if scheme not in BUCKETS or not path.strip("/"):
        known = ", ".join(f"{name}://" for name in BUCKETS)
        raise ValueError(
            f"`{value}` is not a bucket: write it as s3://bucket/folder ({known}); a folder needs no setting"
        )
    return value.rstrip("/")


Id = Annotated[str, AfterValidator(_id)]
Bucket = Annotated[str, AfterValidator(_bucket)]
Currency = Annotated[str, AfterValidator(_currency)]
Zone = Annotated[str, AfterValidator(_zone)]
Exact = Annotated[Decimal, BeforeValidator(_decimal)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Store(_Strict):
    """A shop: its business day is the local day of `timezone`."""

    id: Id
    platform: Id
    region: str
    currency: Currency
    timezone: Zone
    opened_on: date
    stage: Literal["new", "growth", "mature"] = "mature"
    org_unit: str | None = None


class Source(_Strict):
    """One configured source; `options` holds what only its system knows."""

    id: Id
    system: Annotated[str, AfterValidator(_system)]
    store: str | None = None
    marketplace: str | None = None
    credentials: Annotated[str | None, Field(pattern=r"^[A-Z][A-Z0-9_]*$")] = None
    base_url: str | None = None
    auth_url: str | None = None
    mapping: str | None = None
    sla_hours: Annotated[int, Field(gt=0)] = 48
    options: dict[str, Any] = Field(default_factory=dict)
    _secrets: dict[str, SecretStr] = PrivateAttr(default_factory=dict)
    _entity: str | None = PrivateAttr(default=None)

    @property
    def entity(self) -> str | None:
        """What a file source feeds, by its mapping; None for other systems."""
        return self._entity

    def use_entity(self, entity: str) -> None:
        """Keep what the mapping of this file source feeds."""
        self._entity = entity

    def use_secrets(self, secrets: dict[str, SecretStr]) -> None:
        """Keep the environment's values under this source's prefix, by their short names."""
        self._secrets = secrets

    def secret(self, name: str) -> str:
        """The value of `<credentials>_<name>`. Raises SourceError that names the variable when it is not set."""
        prefix = self.credentials or self.id.upper()
        if name not in self._secrets:
            raise SourceError(f"{self.id}: {prefix}_{name} is not set; export it or write it to the company's .env")
        return self._secrets[name].get_secret_value()

    def has_secret(self, name: str) -> bool:
        """Whether `secret(name)` would answer."""
        return name in self._secrets


_NARROWING = {
    "store": ("store", "store_id", "region", "platform", "stage"),
    "region": ("region",),
    "platform": ("platform",),
}


class Scope(_Strict):
    """Which scopes a rule looks at: all of `type`, narrowed by dimension values."""

    model_config = ConfigDict(extra="allow")
    type: Literal[
        "company", "region", "platform", "store", "category", "product", "channel", "campaign", "ad_group",
        "org_unit", "person",
    ] = "company"  # fmt: skip

    @model_validator(mode="after")
    def _narrows(self) -> Scope:
        known = {"id", *_NARROWING.get(self.type, ())}
        for key in self.model_extra or {}:
            if key not in known:
                raise ValueError(f"`{key}` narrows no scope of type {self.type}; known: {', '.join(sorted(known))}")
        return self

    @property
    def filter(self) -> dict[str, str]:
        """Dimension to value, `type` left out."""
        return {key: str(value) for key, value in (self.model_extra or {}).items()}


CONDITIONS = ("below", "above", "drop", "below_level", "source_failed", "held", "stale")
LATER_CONDITIONS = ("outside", "below_target", "behind_pace", "rise", "anomaly", "check_failed")


def _condition(value: Any) -> Any:
    if isinstance(value, str):
        value = {value: None}
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError(f"must be one condition of {', '.join(CONDITIONS)}")
    name, threshold = next(iter(value.items()))
    if name in LATER_CONDITIONS:
        raise ValueError(f"`{name}` is not supported yet; supported: {', '.join(CONDITIONS)}")
    if name not in CONDITIONS:
        raise ValueError(f"`{name}` is not a condition; supported: {', '.join(CONDITIONS)}")
    weeks = None
    if name in ("source_failed", "held", "stale"):
        threshold = None
    elif name == "drop" and isinstance(threshold, dict):
        unknown = set(threshold) - {"by", "weeks"}
        if unknown or "by" not in threshold:
            raise ValueError("`drop` takes `by` (a share such as 0.3) and `weeks`")
        weeks, threshold = threshold.get("weeks"), threshold["by"]
    if threshold is not None and (isinstance(threshold, bool) or not isinstance(threshold, int | float)):
        raise ValueError(f"`{name}` needs a number")
    if threshold is None and name in ("below", "above", "drop", "below_level"):
        raise ValueError(f"`{name}` needs a number")
    if name == "drop" and weeks is None:
        weeks = 4
    return {"name": name, "threshold": None if threshold is None else Decimal(str(threshold)), "weeks": weeks}


class Condition(_Strict):
    """A condition and its number: `drop` is a share below the mean of the same weekday over `weeks` weeks."""

    name: str
    threshold: Decimal | None = None
    weeks: int | None = Field(None, gt=0, le=52)


class AlertRule(_Strict):
    """One rule of alerts.yml."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    id: Id
    metric: str | None = None
    grain: Literal["day", "week", "month", "quarter", "year"] = "day"
    scope: Scope = Field(default_factory=Scope)
    condition: Annotated[Condition, BeforeValidator(_condition)]
    for_periods: int = Field(1, alias="for", ge=1)
    min_volume: Exact | None = None
    severity: Literal["info", "warning", "critical"] = "warning"
    channel: str = "default"
    owner: str | None = None


class AlertFile(_Strict):
    """alerts.yml."""

    rules: list[AlertRule] = Field(default_factory=list)


class Slack(_Strict):
    """Where messages go: channel purpose to channel name."""

    channels: dict[str, str] = Field(default_factory=dict)


class Company(_Strict):
    """A validated company folder."""

    name: str
    reporting_currency: Currency
    languages: list[Literal["zh", "en"]] = ["en"]
    week_start: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "monday"
    stores: list[Store] = Field(min_length=1)
    sources: list[Source] = Field(default_factory=list)
    slack: Slack | None = None
    engine: Literal["duckdb", "spark"] = "duckdb"
    lake_url: Bucket | None = Field(None, alias="lake")
    _root: Path = PrivateAttr(default=Path())
    _rules: list[AlertRule] = PrivateAttr(default_factory=list)
    _lake: str = PrivateAttr(default="")

    def place(self, root: Path, rules: list[AlertRule], lake: str) -> None:
        """Say where this company lives: its folder, its alert rules, its lake (path or URL)."""
        self._root, self._rules, self._lake = root, rules, lake

    @property
    def root(self) -> Path:
        """The company folder."""
        return self._root

    @property
    def alert_rules(self) -> list[AlertRule]:
        """Rules of alerts.yml."""
        return self._rules

    @property
    def lake(self) -> str:
        """Path or URL of the lake: `KPI_LAKE`, else `lake` of company.yml, else data/lake."""
        return self._lake

    @property
    def state(self) -> Path:
        """data/state."""
        return self._root / "data" / "state"

    @property
    def archive(self) -> Path:
        """data/archive."""
        return self._root / "data" / "archive"

    def store(self, store_id: str | None) -> Store | None:
        """The store of that id, None when there is none."""
        return next((s for s in self.stores if s.id == store_id), None)

    def inbox(self, source_id: str) -> Path:
        """Where people drop the files of that source."""
        return self._root / "inbox" / source_id
