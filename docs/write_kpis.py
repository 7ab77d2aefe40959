"""Write docs/kpis.md anew from the catalogue: what each KPI means, in the words that its users read."""

from __future__ import annotations

from pathlib import Path

from sales_kpi import catalogue
from sales_kpi.kpis.definition import By

HEAD = """# KPIs

Written by `python docs/write_kpis.py` from the files in `sales_kpi/kpis/` and `sales_kpi/facts/`.

`Q(f)` is the sum of a fact's quantity and `A(f)` of its amount over the period and scope; `→` sums from the beginning to the
period's end, `⊣` to the day before the period, `₁ᵧ` over the year to the period's end. `H` is the conversion window and `N` the
churn-after days of the settings. A ratio without a denominator has no value.
"""


def text() -> str:
	"""The whole page."""
	lines = [HEAD]
	for kpi in catalogue.kpis().values():
		scopes = ", ".join(by.value for by in By if by in kpi.scopes)
		lines += [
			f"## {kpi.title}",
			f"`{kpi.name}` · {kpi.unit.value} · good: {kpi.good.value} · by {scopes}",
			"",
			kpi.meaning,
			"",
			f"    {kpi.formula}",
			"",
			f"*What usually moves it:* {kpi.moved_by}",
			"",
		]
	lines += ["# Facts", "", "| fact | what happened | records |", "| --- | --- | --- |"]
	lines += [
		f"| `{fact.name}` | {fact.meaning} | {', '.join(fact.records)} |"
		for fact in catalogue.facts().values()
	]
	return "\n".join(lines) + "\n"


if __name__ == "__main__":
	Path(__file__).with_name("kpis.md").write_text(text(), encoding="utf-8")
