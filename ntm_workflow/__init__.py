"""ntm_workflow: the responsibility appendix of a yearly plan, running."""

__version__ = "0.1.0"
