"""Slack messages of alerts: Block Kit, in the company's languages, with a plain text for notifications."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestration.alerts.published import Breach, Context, Metric

MAX_LINES = 40  # Slack takes 50 blocks a message; a header, a note and these stay under 49
MAX_TEXT = 2900  # a section's text may have 3000 characters
_ICONS = {"info": ":information_source:", "warning": ":warning:", "critical": ":rotating_light:"}
_TESTS = {
    "above": ("above {}", "高于 {}"),
    "below": ("below {}", "低于 {}"),
    "below_level": ("below the level {}", "低于水位 {}"),
    "drop": ("fell below {}, the level allowed by its history", "跌破历史均值允许的 {}"),
}


@dataclass(frozen=True)
class Finding:
    """A breach with what a reader needs to act on it; `languages` is the order of the lines (zh, en)."""

    breach: Breach
    metric: Metric
    condition: str
    grain: str
    since: str
    owner: str | None
    context: Context
    languages: Sequence[str]
    share: float | None = None  # of a `drop` rule: the fall it allows, 0.3 for 30 %


def escape(text: str) -> str:
    """Slack's three control characters, as its formatting guide demands."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mention(text: str) -> str:
    """`@U012AB3CD` as Slack notifies it: only a member's id can be mentioned, a name is shown as it stands."""
    return re.sub(r"@([UW][A-Z0-9]{8,})\b", r"<@\1>", text)


def amount(value: float | None, unit: str, currency: str | None = None) -> str:
    """A value as people read it: money with its currency, ratios in per cent, days and hours named."""
    if value is None:
        return "–"
    if unit == "ratio":
        return f"{value * 100:.1f} %"
    if unit == "currency":
        return f"{currency or ''} {value:,.2f}".strip()
    if unit in ("days", "hours"):
        return f"{value:,.1f} {unit}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def firing(finding: Finding) -> dict[str, Any]:
    """The message of one breach."""
    breach = finding.breach
    titles = [_headline(finding, language) for language in finding.languages]
    lines = [f"*{title}*" for title in titles]
    trend = [amount(v, finding.metric.unit, finding.context.currency) for v in finding.context.trend]
    facts = []
    if len(trend) > 1:
        facts.append(f"{_say(finding, 'Trend', '走势')}: {' → '.join(trend)}")
    if finding.context.cause:
        kind, name, share = finding.context.cause
        facts.append(f"{_say(finding, 'Largest part', '占比最大')}: {kind} {name} ({share * 100:.0f} %)")
    facts.append(f"{_say(finding, 'Since', '开始于')}: {finding.since}")
    if finding.owner:
        facts.append(f"{_say(finding, 'Owner', '负责人')}: {finding.owner}")
    facts.append(f"{_say(finding, 'Look further', '进一步查看')}: `{command(breach, finding.grain)}`")
    icon = _ICONS.get(breach.severity, _ICONS["warning"])
    sections = [f"{icon} " + "\n".join(escape_all(lines)), mention("\n".join(escape_all(facts)))]
    return _message(titles, sections)


def recovered(finding: Finding) -> dict[str, Any]:
    """The reply that says a breach is over."""
    breach = finding.breach
    value = amount(breach.value, finding.metric.unit, finding.context.currency)
    where = f"{breach.scope_type} {breach.scope_id}"
    titles = [
        f"已恢复：{finding.metric.name_zh} · {where} · {value}（{breach.period_start}），自 {finding.since} 起"
        if language == "zh"
        else f"Recovered: {finding.metric.name_en} · {where} is {value} on {breach.period_start}, "
        f"after a breach since {finding.since}"
        for language in finding.languages
    ]
    return _message(titles, [":white_check_mark: " + "\n".join(escape_all(titles))])


def grouped(findings: Sequence[Finding]) -> dict[str, Any]:
    """One message for many breaches that began in one evaluation."""
    languages = findings[0].languages
    titles = [
        f"{len(findings)} 项指标告警" if language == "zh" else f"{len(findings)} alerts began at once"
        for language in languages
    ]
    lines = [f"• {_headline(finding, languages[0])}" for finding in findings[:MAX_LINES]]
    if len(findings) > MAX_LINES:
        lines.append(f"… + {len(findings) - MAX_LINES}: `kpi alerts list`")
    return _message(titles, [f":rotating_light: *{escape(' / '.join(titles))}*", *escape_all(lines)])


def data(event: str, where: str, why: str, since: str, languages: Sequence[str]) -> dict[str, Any]:
    """A message for data engineers: `event` is source_failed, held, stale or run_failed, or `<one>_recovered`."""
    titles = [_DATA[event][0 if language == "zh" else 1].format(where) for language in languages]
    over = event.endswith("_recovered")
    icon = ":white_check_mark:" if over else ":rotating_light:"
    facts = [*([] if over else [f"`{why}`"]), f"{_word(languages, 'Since', '开始于')}: {since}"]
    if not over:
        facts.append(f"{_word(languages, 'Look further', '进一步查看')}: `{_DATA_COMMANDS[event]}`")
    return _message(titles, [f"{icon} *{escape(' / '.join(titles))}*", "\n".join(escape_all(facts))], why)


_DATA = {
    "source_failed": ("数据源 {} 失败，其余数据源不受影响", "Source {} failed; the others went on"),
    "source_failed_recovered": ("数据源 {} 已恢复", "Source {} works again"),
    "held": ("店铺 {} 的数据未发布，沿用上次的可信数据", "Store {} is held back; its last good numbers stay published"),
    "held_recovered": ("店铺 {} 已重新发布", "Store {} is published again"),
    "stale": ("数据源 {} 数据过期", "Source {} is stale"),
    "stale_recovered": ("数据源 {} 数据已更新", "Source {} is fresh again"),
    "run_failed": ("{} 运行失败，未发布新数据", "The run of {} failed; nothing new was published"),
    "run_failed_recovered": ("{} 运行已恢复", "The run of {} works again"),
}
_DATA_COMMANDS = {
    "source_failed": "kpi check", "held": "kpi quality", "stale": "kpi quality", "run_failed": "kpi run --debug",
}  # fmt: skip


def test_message(company: str, channel: str, languages: Sequence[str]) -> dict[str, Any]:
    """What `kpi alerts test` sends."""
    titles = [
        f"{company}：测试消息，频道 {channel} 可以收到告警" if language == "zh"
        else f"{company}: a test, alerts for {channel} arrive here"
        for language in languages
    ]  # fmt: skip
    return _message(titles, escape_all(titles))


def command(breach: Breach, grain: str) -> str:
    """The `kpi query` that shows the breach among its neighbours."""
    wanted = f"kpi query {breach.metric} --grain {grain} --to {breach.period_start}"
    if breach.scope_type == "company":
        return f"{wanted} --by store_id"
    column = {"store": "store_id", "product": "product_id", "campaign": "campaign_id"}.get(
        breach.scope_type, breach.scope_type
    )
    return f'{wanted} --where "{column} = {breach.scope_id}"'


def escape_all(lines: Sequence[str]) -> list[str]:
    """`escape` for each line."""
    return [escape(line) for line in lines]


def _headline(finding: Finding, language: str) -> str:
    breach, currency = finding.breach, finding.context.currency
    value = amount(breach.value, finding.metric.unit, currency)
    position = 1 if language == "zh" else 0
    name = finding.metric.name_zh if position else finding.metric.name_en
    test = _TESTS.get(finding.condition, ("against {}", "阈值 {}"))[position]
    if finding.share is not None and breach.threshold == finding.share:  # the verdict states the share, no level
        test = ("fell by more than {} against its own history", "较历史均值下降超过 {}")[position]
        limit = amount(finding.share, "ratio")
    else:
        limit = amount(breach.threshold, finding.metric.unit, currency)
    test = test.format(limit)
    return f"{name} · {breach.scope_type} {breach.scope_id} · {breach.period_start}: {value} ({test})"


def _say(finding: Finding, english: str, chinese: str) -> str:
    return _word(finding.languages, english, chinese)


def _word(languages: Sequence[str], english: str, chinese: str) -> str:
    return " / ".join(chinese if language == "zh" else english for language in languages)


def _message(titles: Sequence[str], sections: Sequence[str], more: str = "") -> dict[str, Any]:
    text = escape(" / ".join(titles) + (f": {more}" if more else ""))[:MAX_TEXT]
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": section[:MAX_TEXT]}} for section in sections]
    return {"text": text, "blocks": blocks}
