"""What a message says to Slack's parser."""

from __future__ import annotations

from orchestration.alerts.messages import escape, mention


def test_an_owner_with_a_member_id_is_notified_and_a_name_is_only_shown() -> None:
    assert mention(escape("Owner: @U012AB3CD")) == "Owner: <@U012AB3CD>"
    assert mention(escape("Owner: @mei <everyone>")) == "Owner: @mei &lt;everyone&gt;"
