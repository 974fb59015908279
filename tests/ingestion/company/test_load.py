from pathlib import Path

import pytest

from ingestion.company import CompanyError, load_company
from ingestion.company.template import write_template
from ingestion.connector import SourceError


def problems(root: Path, text: str, file: str = "company.yml") -> list[str]:
    (root / file).write_text(text)
    with pytest.raises(CompanyError) as error:
        load_company(root)
    return str(error.value).splitlines()


def test_every_problem_is_named_with_its_line_at_once(root: Path) -> None:
    text = (root / "company.yml").read_text()
    broken = text.replace("Europe/London", "Europe/Lundon").replace("mapping:", "maping:").replace("GBP\n", "pounds\n")
    found = problems(root, broken)
    assert found[0].startswith("company.yml:2: reporting_currency: `pounds` is not a currency")
    assert found[1].startswith("company.yml:4: stores[0].timezone: `Europe/Lundon` is not a time zone")
    assert found[2] == "company.yml:6: sources[0].maping: unknown key; did you mean `mapping`?"


def test_a_source_names_a_store_that_exists(root: Path) -> None:
    text = (root / "company.yml").read_text().replace("store: uk_shop", "store: us_shop")
    assert problems(root, text) == ["company.yml:6: sources[0].store: no store `us_shop`; stores: uk_shop"]


def test_an_unknown_mapping_names_the_shipped_ones(root: Path) -> None:
    text = (root / "company.yml").read_text().replace("online_retail", "online")
    assert "online_retail" in problems(root, text)[0]


def test_broken_yaml_is_one_line_with_its_place(root: Path) -> None:
    assert problems(root, "name: [unclosed\nstores: {\n")[0].startswith("company.yml:")


def test_a_condition_of_a_later_release_says_which_are_supported(root: Path) -> None:
    found = problems(root, "rules:\n  - {id: a, metric: gmv, condition: {behind_pace: 0.1}}\n", "alerts.yml")
    assert found[0].startswith("alerts.yml:2: rules[0].condition: `behind_pace` is not supported yet; supported: below")


def test_a_scope_key_that_narrows_nothing_is_an_error(root: Path) -> None:
    rule = "{id: a, metric: gmv, scope: {type: store, country: US}, condition: {below: 1}}"
    (found,) = problems(root, f"rules:\n  - {rule}\n", "alerts.yml")
    assert found.startswith(
        "alerts.yml:2: rules[0].scope: `country` narrows no scope of type store; known: id, platform"
    )


def test_a_missing_secret_names_its_variable_and_no_secret_prints(root: Path) -> None:
    (root / ".env").write_text("UK_ORDERS_TOKEN=hunter2\n")
    source = load_company(root).sources[0]
    assert source.secret("TOKEN") == "hunter2"
    assert "hunter2" not in repr(source) + repr(source._secrets)
    with pytest.raises(SourceError, match="UK_ORDERS_OTHER is not set"):
        source.secret("OTHER")


def test_the_environment_overrides_a_setting(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KPI_SOURCES__UK_ORDERS__BASE_URL", "http://127.0.0.1")
    assert load_company(root).sources[0].base_url == "http://127.0.0.1"


def test_the_template_loads_and_overwrites_nothing(tmp_path: Path) -> None:
    write_template(tmp_path / "new")
    assert load_company(tmp_path / "new").alert_rules[1].condition.weeks == 4
    with pytest.raises(CompanyError, match="nothing was written"):
        write_template(tmp_path / "new")


def test_an_engine_that_is_none_names_those_that_are(root: Path) -> None:
    text = (root / "company.yml").read_text() + "engine: sparc\n"
    assert problems(root, text) == ["company.yml:7: engine: input should be 'duckdb' or 'spark'"]


def test_a_lake_that_is_no_bucket_says_how_one_is_written(root: Path) -> None:
    text = (root / "company.yml").read_text() + "lake: acme-bucket\n"
    assert problems(root, text)[0].startswith("company.yml:7: lake: `acme-bucket` is not a bucket: write it as s3://")


def test_the_environment_moves_the_lake(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "company.yml").write_text((root / "company.yml").read_text() + "lake: s3://acme/kpi/\n")
    monkeypatch.delenv("KPI_LAKE", raising=False)
    assert load_company(root).lake == "s3://acme/kpi"
    monkeypatch.setenv("KPI_LAKE", "elsewhere")
    assert load_company(root).lake == "elsewhere"
