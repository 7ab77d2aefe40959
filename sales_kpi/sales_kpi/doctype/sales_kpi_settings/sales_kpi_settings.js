frappe.ui.form.on("Sales KPI Settings", {
	setup(frm) {
		frm.set_query("account", "acquisition_accounts", (doc, cdt, cdn) => ({
			filters: { company: locals[cdt][cdn].company || "", root_type: "Expense" },
		}));
		frm.set_query("cost_center", "cost_centers", (doc) => {
			const followed = (doc.companies || []).map((row) => row.company).filter(Boolean);
			return { filters: { is_group: 0, ...(followed.length ? { company: ["in", followed] } : {}) } };
		});
		frm.set_query("sales_person", "cost_centers", () => ({ filters: { is_group: 0 } }));
		// A team lead is mapped to the group that it leads.
		frm.set_query("sales_person", "mapping", () => ({ filters: { enabled: 1 } }));
		frm.set_query("user", "mapping", () => ({ filters: { user_type: "System User" } }));
	},

	refresh(frm) {
		frm.set_intro("");
		if (!frm.doc.confirmed) {
			frm.set_intro(
				__("Proposed, not confirmed yet. Read through what this site's records suggest, change it, and save."),
				"orange"
			);
		}
		const sources = frm.doc.__onload?.sources || [];
		frm.fields_dict.cost_centers.grid.update_docfield_property("source", "options", sources);
		frm.add_custom_button(__("Propose"), () => sales_kpi_settings.propose(frm));
		sales_kpi_settings.show_rhythm(frm);
		sales_kpi_settings.show_credit(frm);
	},

	credit_fallback(frm) {
		sales_kpi_settings.draw_credit(frm);
	},
});

frappe.ui.form.on("Sales KPI Acquisition Account", {
	company(frm, cdt, cdn) {
		frappe.model.set_value(cdt, cdn, "account", null);
	},
});

frappe.provide("sales_kpi_settings");

Object.assign(sales_kpi_settings, {
	tables: ["mapping", "shared_customers", "acquisition_accounts", "cost_centers"],
	values: ["calendar", "week_start", "churn_after_days"],

	async propose(frm) {
		const { message: proposed } = await frappe.call({
			method: "sales_kpi.site.proposals.proposals",
			freeze: true,
			freeze_message: __("Reading this site's records…"),
		});
		const said = [];
		const label = (fieldname) => `<b>${__(frm.get_field(fieldname).df.label)}</b>`;
		for (const fieldname of this.values) {
			const [now, then] = [frm.doc[fieldname], proposed[fieldname]];
			if (now == then) continue;
			if (!now || !frm.doc.confirmed) {
				await frm.set_value(fieldname, then);
				said.push(__("{0}: set to {1}.", [label(fieldname), __(then)]));
			} else {
				said.push(__("{0}: left at {1}; {2} would be proposed.", [label(fieldname), __(now), __(then)]));
			}
		}
		for (const fieldname of this.tables) {
			const rows = proposed[fieldname];
			if ((frm.doc[fieldname] || []).length) {
				said.push(__("{0}: left as it is.", [label(fieldname)]));
			} else if (!rows.length) {
				said.push(__("{0}: nothing found to propose.", [label(fieldname)]));
			} else {
				rows.forEach((row) => frm.add_child(fieldname, row));
				frm.refresh_field(fieldname);
				frm.dirty();
				said.push(__("{0}: {1} rows filled in.", [label(fieldname), rows.length]));
			}
		}
		this.draw_rhythm(frm, proposed.rhythm);
		frappe.msgprint({
			title: __("Proposed From This Site's Records"),
			message: `<ul><li>${said.join("</li><li>")}</li></ul>${
				frm.is_dirty() ? __("Nothing is saved yet.") : ""
			}`,
		});
	},

	async show_rhythm(frm) {
		const shared = (frm.doc.shared_customers || []).map((row) => row.customer).filter(Boolean);
		const { message } = await frappe.call({
			method: "sales_kpi.site.proposals.rhythm",
			args: { shared_customers: shared },
		});
		if (message) this.draw_rhythm(frm, message);
	},

	draw_rhythm(frm, rhythm) {
		const wrapper = $(frm.get_field("gap_histogram").wrapper).empty();
		const title = $(`<div class="control-label" style="margin-bottom: 8px"></div>`).appendTo(wrapper);
		title.text(__("Days Between Purchases"));
		const months = Object.keys(rhythm.histogram).map(Number);
		if (months.length) {
			const area = $("<div></div>").appendTo(wrapper);
			// The tail is told by one bar, so that a single gap of years doesn't flatten all others.
			const last = Math.min(Math.max(...months), 18);
			const bars = Array(last + 1).fill(0);
			months.forEach((month) => (bars[Math.min(month, last)] += rhythm.histogram[month]));
			const is_cut = Math.max(...months) > last;
			new frappe.Chart(area[0], {
				type: "bar",
				height: 180,
				colors: ["#2490ef"],
				axisOptions: { xAxisMode: "tick", shortenYAxisNumbers: 1 },
				barOptions: { spaceRatio: 0.2 },
				tooltipOptions: { formatTooltipY: (count) => __("{0} gaps", [count]) },
				data: {
					labels: bars.map((_, month) => (is_cut && month === last ? `${month}+` : `${month}`)),
					datasets: [{ name: __("Gaps"), values: bars }],
				},
			});
		}
		$(`<p class="help-box small text-muted"></p>`).text(rhythm.sentence).appendTo(wrapper);
		if (months.length) {
			$(`<p class="help-box small text-muted"></p>`)
				.text(__("Bars: number of gaps by their length in months of 30 days."))
				.appendTo(wrapper);
		}
	},

	async show_credit(frm) {
		const { message } = await frappe.call({ method: "sales_kpi.site.preview.credit_preview" });
		frm.sales_kpi_credit = message || [];
		this.draw_credit(frm);
	},

	draw_credit(frm) {
		const wrapper = $(frm.get_field("credit_preview").wrapper).empty();
		const chosen = frm.doc.credit_fallback;
		for (const told of frm.sales_kpi_credit || []) {
			if (!told.rows.length || (!told.offered && chosen === "None")) continue;
			this.draw_company(frm, wrapper, told, chosen);
		}
	},

	draw_company(frm, wrapper, told, chosen) {
		const escape = frappe.utils.escape_html;
		const choices = frm.get_field("credit_fallback").df.options.split("\n");
		const money = (amount) => format_currency(amount, told.currency, 0);
		const heads = choices.map(
			(choice) => `<th class="text-right">${choice === chosen ? `<b>${__(choice)}</b>` : __(choice)}</th>`
		);
		const shown = told.rows.slice(0, 15);
		if (told.rows.length > 15) {
			const rest = told.rows.slice(15);
			const volume = {};
			choices.forEach((choice) => (volume[choice] = rest.reduce((sum, row) => sum + row.volume[choice], 0)));
			shown.push({ more: __("{0} more", [rest.length]), volume });
		}
		const rows = shown.map((row) => {
			const cells = choices.map((choice) => {
				const differs = Math.abs(row.volume[choice] - row.volume["None"]) >= 0.5;
				const style = choice === chosen ? "background: var(--bg-color, #f5f5f5);" : "";
				return `<td class="text-right" style="${style}${differs ? "font-weight: 600" : ""}">${money(
					row.volume[choice]
				)}</td>`;
			});
			const name = row.more ? row.more : escape(row.sales_person) || `<i>${__("Unassigned")}</i>`;
			return `<tr><td>${name}</td>${cells.join("")}</tr>`;
		});
		const share = Math.round(told.unassigned * 100);
		wrapper.append(`
			<div style="margin-bottom: 15px">
				<p>${
					told.offered
						? __("{0}: {1} % of the sales volume of the last 12 months ({2}) is credited to nobody. This is how each choice would credit them:", [
								escape(told.company).bold(),
								share,
								money(told.volume),
						  ])
						: __("{0}: this is how each choice credits the sales volume of the last 12 months ({1}):", [
								escape(told.company).bold(),
								money(told.volume),
						  ])
				}</p>
				<div style="overflow-x: auto">
					<table class="table table-bordered small" style="margin: 0; white-space: nowrap">
						<thead><tr><th>${__("Salesperson")}</th>${heads.join("")}</tr></thead>
						<tbody>${rows.join("")}</tbody>
					</table>
				</div>
			</div>`);
	},
});
