"""Reads company.yml and alerts.yml, overlays the environment, and reports every problem at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ingestion.company.errors import CompanyError
from ingestion.company.models import OPTIONS, STORE_SYSTEMS, AlertFile, Company, Source
from ingestion.company.secrets import environment, with_prefix
from ingestion.company.yaml_file import YamlFile

_OWN_FIELDS = tuple(name for name in Source.model_fields if name not in ("id", "options"))


def load_company(root: Path) -> Company:
    """The validated company of the folder `root`.

    Any setting of a source may be overridden by `KPI_SOURCES__<SOURCE ID>__<SETTING>`, in capitals.

    Raises:
        CompanyError: every problem of both files, one a line, as `company.yml:12: stores[0].timezone: ...`.
    """
    root = root.resolve()
    env = environment(root)
    file = YamlFile(root / "company.yml")
    _overlay(file.content, env)
    _gather_options(file.content)
    company, problems = file.validate(Company)
    if company is not None:
        problems += _cross_checks(file, company)
    rules = AlertFile()
    if (root / "alerts.yml").exists():
        alerts = YamlFile(root / "alerts.yml")
        parsed, wrong = alerts.validate(AlertFile)
        problems += wrong
        if parsed is not None:
            rules = parsed
            problems += _rule_checks(alerts, rules, company)
    if problems or company is None:
        raise CompanyError("\n".join(problems))
    for source in company.sources:
        source.use_secrets(with_prefix(env, source.credentials or source.id.upper()))
    company.place(root, rules.rules, env.get("KPI_LAKE") or company.lake_url or str(root / "data" / "lake"))
    return company


def _overlay(content: Any, env: Mapping[str, str]) -> None:
    for source in content.get("sources") or []:
        if not isinstance(source, dict) or not isinstance(source.get("id"), str):
            continue
        prefix = f"KPI_SOURCES__{source['id'].upper()}__"
        for name, value in env.items():
            if name.startswith(prefix):
                source[name[len(prefix) :].lower()] = value


def _gather_options(content: Any) -> None:
    """Settings only the system knows move under `options`, so that any other unknown key stays an error."""
    for source in content.get("sources") or []:
        if not isinstance(source, dict):
            continue
        known = OPTIONS.get(str(source.get("system")), ())
        extra = {key: source.pop(key) for key in list(source) if key in known and key not in _OWN_FIELDS}
        if extra:
            source["options"] = {**(source.get("options") or {}), **extra}


def _cross_checks(file: YamlFile, company: Company) -> list[str]:
    problems: list[str] = []
    stores = [s.id for s in company.stores]
    for kind, ids in (("stores", stores), ("sources", [s.id for s in company.sources])):
        for position, value in enumerate(ids):
            if value in ids[:position]:
                problems.append(file.problem((kind, position, "id"), f"`{value}` is used twice in {kind}"))
    for position, source in enumerate(company.sources):
        where = ("sources", position)
        if source.id == "reference":
            problems.append(file.problem((*where, "id"), "`reference` is the project's own source; choose another id"))
        if source.store is not None and source.store not in stores:
            known = ", ".join(stores)
            problems.append(file.problem((*where, "store"), f"no store `{source.store}`; stores: {known}"))
        if source.store is None and source.system in STORE_SYSTEMS:
            problems.append(file.problem((*where, "store"), f"is required for system {source.system}"))
        if source.system == "files":
            if source.mapping is None:
                problems.append(file.problem((*where, "mapping"), "is required for system files"))
            else:
                problems += _mapping_check(file, company, position, source)
    return problems


def _mapping_check(file: YamlFile, company: Company, position: int, source: Source) -> list[str]:
    from ingestion.files.mapping import load_mapping

    try:
        source.use_entity(load_mapping(file.path.parent, str(source.mapping)).entity)
    except CompanyError as error:
        return [file.problem(("sources", position, "mapping"), str(error))]
    return []


def _rule_checks(file: YamlFile, rules: AlertFile, company: Company | None) -> list[str]:
    problems = []
    ids = [rule.id for rule in rules.rules]
    channels = company.slack.channels if company and company.slack else {}
    for position, rule in enumerate(rules.rules):
        if rule.id in ids[:position]:
            problems.append(file.problem(("rules", position, "id"), f"`{rule.id}` is used twice"))
        if rule.metric is None and rule.condition.name not in ("source_failed", "held", "stale"):
            problems.append(file.problem(("rules", position, "metric"), "is required"))
        if channels and rule.channel not in channels:
            known = ", ".join(channels)
            problems.append(
                file.problem(
                    ("rules", position, "channel"), f"no channel `{rule.channel}` in company.yml; known: {known}"
                )
            )
    return problems
