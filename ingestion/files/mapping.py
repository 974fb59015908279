"""Mappings: how the columns of an export become canonical fields. See README.md beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ingestion.company.errors import CompanyError
from ingestion.company.models import Currency, Exact, Id, Zone
from ingestion.company.yaml_file import YamlFile
from ingestion.files.entities import ENTITIES

SHIPPED = Path(__file__).parent / "mappings"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


def _entity(value: str) -> str:
    if value not in ENTITIES:
        raise ValueError(f"`{value}` is not supported; entities: {', '.join(ENTITIES)}")
    return value


def _names(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _one_byte(value: str) -> str:
    if len(value) != 1 or not value.isascii():
        raise ValueError("must be one ASCII character")
    return value


class Column(_Strict):
    """One canonical field: the headers it may have, and how its text is read."""

    names: Annotated[list[str], BeforeValidator(_names)] = Field(alias="from", min_length=1)
    format: str | None = None
    required: bool = False


class Test(_Strict):
    """What a field must look like for a row kind."""

    starts_with: str | None = None
    equals: str | None = None
    at_most: Exact | None = None


class RowKind(_Strict):
    """Rows of which every tested field fits are of this kind; the first rule that fits wins."""

    kind: Literal["sale", "refund", "adjustment"]
    when: dict[str, Test] = Field(min_length=1)


class Mapping(_Strict):
    """A validated mapping file."""

    entity: Annotated[str, AfterValidator(_entity)]
    encoding: Literal["auto", "utf-8", "gb18030", "shift_jis", "cp1252"] = "auto"
    delimiter: Annotated[str, AfterValidator(_one_byte)] = ","
    quote: Annotated[str, AfterValidator(_one_byte)] = '"'
    escape: Annotated[str, AfterValidator(_one_byte)] | None = None
    decimal_mark: Literal[".", ","] = "."
    timezone: Zone | None = None
    currency: Currency | None = None
    on_overlap: Literal["add", "replace_day", "quarantine"] = "add"
    columns: dict[str, Column]
    attributes: dict[Id, Column] = Field(default_factory=dict)
    constants: dict[str, str] = Field(default_factory=dict)
    row_kinds: list[RowKind] = Field(default_factory=list)
    pseudonyms: dict[str, Column] = Field(default_factory=dict)
    drop: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _known_fields(self) -> Mapping:
        known = ENTITIES[self.entity]
        for group in (self.columns, self.constants, self.pseudonyms):
            unknown = [name for name in group if name not in known]
            if unknown:
                raise ValueError(f"{self.entity} has no field `{unknown[0]}`; fields: {', '.join(known)}")
        for rule in self.row_kinds:
            unknown = [name for name in rule.when if name not in self.columns]
            if unknown:
                raise ValueError(f"row_kinds tests `{unknown[0]}`, which is no column of this mapping")
        return self

    def all_columns(self) -> dict[str, Column]:
        """Every field that is read from a header."""
        return self.columns | self.attributes | self.pseudonyms

    def personal(self) -> set[str]:
        """Headers whose values never reach the lake or the archive as they are."""
        return {name for column in self.pseudonyms.values() for name in column.names} | set(self.drop)


def load_mapping(root: Path, name: str) -> Mapping:
    """The mapping `name` of the company folder `root`, else the shipped one.

    Raises CompanyError naming file, line and key, or the mappings there are.
    """
    for folder in (root / "mappings", SHIPPED):
        path = folder / f"{name}.yml"
        if path.is_file():
            mapping, problems = YamlFile(path).validate(Mapping)
            if mapping is None:
                raise CompanyError("\n".join(problems))
            return mapping
    shipped = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.yml")))
    raise CompanyError(f"no mapping `{name}`: write mappings/{name}.yml, or use a shipped one: {shipped}")
