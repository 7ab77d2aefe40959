"""What `bench --site SITE sales-kpi …` does."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import click
import frappe
from frappe.commands import get_site, pass_context

from sales_kpi.demo.company import SITE_KINDS


@click.group("sales-kpi")
def sales_kpi() -> None:
	"""KPIs of people and teams."""


@sales_kpi.command("demo")
@click.option(
	"--site-kind", type=click.Choice(SITE_KINDS), default="full", show_default=True, help="Kind of company."
)
@click.option(
	"--invoices", type=click.IntRange(min=50), default=6000, show_default=True, help="Number of invoices."
)
@click.option(
	"--password", help="Password with which the demo's salespeople can log in; without it, none has one."
)
@click.option("--remove", is_flag=True, help="Take the demo data away again.")
@pass_context
def demo(context: Any, site_kind: str, invoices: int, password: str | None, remove: bool) -> None:
	"""Fill a site that has no sales documents with a demo company, or take it away again."""
	with _connected(get_site(context)):
		from sales_kpi.demo import site

		try:
			if remove:
				with _Bar("Removing demo data") as bar:
					site.remove(bar)
				click.echo("The demo data is gone; the site is as it was before.")
				return
			version = frappe.get_attr("erpnext.__version__").split(".")[0]
			from sales_kpi.demo.company import DemoCompany

			site.refuse_real_site()
			# Until yesterday: the page opens at the running month, which is to look as it does at a company at work.
			yesterday = date.today() - timedelta(days=1)
			company = DemoCompany(invoices=invoices, site_kind=site_kind, schema=version, until=yesterday)
			with _Bar("Filling in demo data") as bar:
				companies = site.fill(company, password, bar)
		except site.DemoError as error:
			raise click.ClickException(frappe.utils.strip_html(str(error))) from None
	click.echo(f"{' and '.join(companies)} are there, from {company.start} to {company.until}.")


@sales_kpi.command("rebuild")
@click.option("--all", "afresh", is_flag=True, help="Make all totals anew, also those that are complete.")
@pass_context
def rebuild(context: Any, afresh: bool) -> None:
	"""Make the totals that reports read, where they aren't complete. May be stopped and started again."""
	with _connected(get_site(context)):
		from sales_kpi.totals.rebuild import rebuild

		with _Bar("Summing facts") as bar:
			rebuild(afresh, bar)
		click.echo("All totals are complete.")


@sales_kpi.command("reconcile")
@pass_context
def reconcile(context: Any) -> None:
	"""Compare the totals with the records, and repair what differs."""
	with _connected(get_site(context)):
		from sales_kpi.totals.reconcile import reconcile

		number = reconcile()
	click.echo(
		f"{number} differences were found and repaired; see KPI Difference." if number else "No difference."
	)


@sales_kpi.command("snapshot")
@click.option(
	"--from",
	"first",
	type=click.DateTime(["%Y-%m-%d"]),
	help="Periods that begin on this day or later; without it, those of the last two years.",
)
@pass_context
def snapshot(context: Any, first: Any) -> None:
	"""Take the snapshots of past periods that aren't there yet. May be stopped and started again."""
	with _connected(get_site(context)):
		from sales_kpi.errors import InputError
		from sales_kpi.site.snapshots import backfill

		try:
			with _Bar("Taking snapshots") as bar:
				number = backfill(first.date() if first else None, bar)
		except InputError as error:
			raise click.ClickException(str(error)) from None
	click.echo(f"{number} snapshots were taken." if number else "All snapshots are there.")


class _connected:
	"""A connection to a site, as Administrator."""

	def __init__(self, site: str) -> None:
		self.site = site

	def __enter__(self) -> None:
		frappe.init(site=self.site)
		frappe.connect()

	def __exit__(self, *error: object) -> None:
		frappe.destroy()


class _Bar:
	"""A progress bar that may be called with how far something is, and how far it will go."""

	def __init__(self, label: str) -> None:
		self.bar: Any = click.progressbar(length=1000, label=label)

	def __enter__(self) -> _Bar:
		self.bar.__enter__()
		return self

	def __call__(self, done: int, of: int) -> None:
		self.bar.update(max(0, min(1000, 1000 * done // max(of, 1)) - self.bar.pos))

	def __exit__(self, *error: Any) -> None:
		self.bar.__exit__(*error)


commands = [sales_kpi]
