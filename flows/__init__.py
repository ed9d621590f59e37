"""Prefect flows. Each wraps one use case and leaves an artifact; no rules live here."""

from ntm_workflow.serve import prefect_env

prefect_env.quiet()
