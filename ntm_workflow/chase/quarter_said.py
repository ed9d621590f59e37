"""Who writes what the quarterly notices say that are no list of one's own tasks."""

from __future__ import annotations

from ntm_workflow.chase import quarter_letter, quarter_summary

WRITERS = {
    quarter_letter.KIND: quarter_letter.compose,
    quarter_summary.KIND: quarter_summary.compose,
}
