import pytest

from tornado_stream.providers.openai.finish_reasons import failing_reason, meaning_of, read_reason

#: Spellings of servers, and some of none: the words decide.
REASONS = {
    "stop": "stop STOP Stop eos eos_token eosFound end_turn endTurn end-turn stop_sequence stopped"
    " stop_string eot_id complete COMPLETED done finished success FINISH_REASON_STOP"
    " FinishReason.STOP StopReason.end_turn pause_turn end_of_text",
    "length": "length max_tokens MAX_TOKENS maxTokens MaxTokens max-tokens model_length limit"
    " model_context_window_exceeded max_output_tokens max_new_tokens token_limit truncated"
    " context_length_exceeded FINISH_REASON_MAX_TOKENS max_tokens_reached",
    "tools": "tool_calls tool_use toolUse tool-calls tool_call function_call functionCall",
    "filter": "content_filter contentFilter CONTENT-FILTER content_filtered SAFETY sensitive SPII"
    " BLOCKLIST PROHIBITED_CONTENT RECITATION refusal IMAGE_SAFETY guardrail_intervened blocked"
    " content_policy_violation",
    "cut_off": "abort aborted ABORTED abort_by_server useraborted cancelled canceled CANCEL"
    " request-cancelled timeout time_out timed_out Timed-Out TIMEDOUT requestTimeout interrupted"
    " insufficient_system_resource Insufficient-System-Resources preempted PREEMPTED pre-empted"
    " deadline deadline_exceeded DeadlineExceeded server_shutdown shutting_down evicted incomplete"
    " connection_lost client_disconnected timeout_error max_time_exceeded terminated"
    " FINISH_REASON_ABORT time_limit worker_died out_of_memory OOM kv_cache_exhausted expired"
    " RequestExpired not_finished unfinished resource_exhausted",
    "error": "error ERROR network_error networkError server_error InternalServerError failed"
    " FAILED generation-failure MALFORMED_FUNCTION_CALL MALFORMED_RESPONSE malformedToolCall"
    " UNEXPECTED_TOOL_CALL TOO_MANY_TOOL_CALLS MISSING_THOUGHT_SIGNATURE exception crashed"
    " NO_IMAGE invalid_tool_call overloaded rate_limit content_filter_error tool_error"
    " insufficient_quota FinishReason.ERROR throttled ThrottlingException quota_exhausted",
    "unknown": "other OTHER unknown FINISH_REASON_UNSPECIFIED LANGUAGE banana max_turns",
}


@pytest.mark.parametrize("meaning", REASONS)
def test_the_words_of_a_reason_say_what_it_means(meaning: str) -> None:
    reasons = REASONS[meaning].split()
    assert {reason: meaning_of(reason) for reason in reasons} == dict.fromkeys(reasons, meaning)


def test_a_reason_without_words_is_unknown() -> None:
    assert meaning_of("...") == meaning_of("理由") == meaning_of("x" * 100_000) == "unknown"


@pytest.mark.parametrize(
    ("reason", "native", "expected"),
    [
        ("stop", None, None),
        (None, None, None),
        ("error", None, "error"),
        ("error", "stop", "error"),
        ("error", "MALFORMED_FUNCTION_CALL", "MALFORMED_FUNCTION_CALL"),
        ("stop", "MALFORMED_FUNCTION_CALL", "MALFORMED_FUNCTION_CALL"),
        (None, "engine_failure", "engine_failure"),
        ("stop", "aborted", "aborted"),
        ("stop", "completed", None),
        ("length", "incomplete", None),
        ("content_filter", "error", None),
        ("weird", "weirder", None),
    ],
)
def test_the_reason_behind_a_router_counts_too(
    reason: str | None, native: str | None, expected: str | None
) -> None:
    assert failing_reason(reason, native) == expected


def test_a_word_for_not_yet_is_no_reason() -> None:
    nothing = [None, "", " ", "null", "NULL", "None", "FINISH_REASON_UNSPECIFIED", "UNSPECIFIED"]
    nothing += ["in_progress", "inProgress", "running", "CONTINUE", {"type": "null"}, {}, 7, True]
    assert {read_reason(value) for value in [*nothing, ["stop"]]} == {""}
    assert read_reason({"type": "stop"}) == "stop"
    for reason in ("stop", "length", "理由", "...", "nonempty", "null_pointer", "not_finished"):
        assert read_reason(reason) == reason
