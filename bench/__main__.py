"""Run every benchmark: python -m bench [--quick]."""

from __future__ import annotations

import sys

from bench import audit_chain, deliver, office_day, pages, sweep, year

audit_chain.run(audit_chain.entries(sys.argv[1:]))
sweep.run(sweep.sizes(sys.argv[1:]))
deliver.run(*deliver.sizes(sys.argv[1:]))
pages.run(pages.sizes(sys.argv[1:]))
year.run(year.last_day(sys.argv[1:]))
office_day.run(office_day.minutes(sys.argv[1:]))
