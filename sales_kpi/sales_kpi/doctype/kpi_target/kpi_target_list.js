frappe.provide("sales_kpi_target");

frappe.listview_settings["KPI Target"] = {
	add_fields: ["target_for"],
	hide_name_column: true,

	onload(listview) {
		if (!frappe.model.can_create("KPI Target")) return;
		listview.page.add_inner_button(__("Set Targets"), () => sales_kpi_target.open_grid(listview));
		listview.page.add_menu_item(__("Take Over ERPNext’s Targets"), () =>
			sales_kpi_target.take_over(listview)
		);
	},
};

Object.assign(sales_kpi_target, {
	take_over(listview) {
		const dialog = new frappe.ui.Dialog({
			title: __("Take Over ERPNext’s Targets"),
			fields: [
				{
					fieldname: "note",
					fieldtype: "HTML",
					options: `<p class="text-muted small">${__(
						"Reads the target amounts of the Sales Persons and makes a draft of each. They name no company, so say whose they are."
					)}</p>`,
				},
				{
					fieldname: "company",
					fieldtype: "Link",
					options: "Company",
					label: __("Company"),
					reqd: 1,
					default: frappe.defaults.get_user_default("Company"),
				},
				{
					fieldname: "fiscal_year",
					fieldtype: "Link",
					options: "Fiscal Year",
					label: __("Fiscal Year"),
					reqd: 1,
					default: frappe.defaults.get_user_default("fiscal_year"),
				},
				{
					fieldname: "kpi",
					fieldtype: "Link",
					options: "Sales KPI",
					label: __("KPI"),
					reqd: 1,
					default: "sales_volume",
					get_query: () => ({ filters: { name: ["in", ["sales_volume", "bookings"]] } }),
				},
			],
			primary_action_label: __("Create Drafts"),
			async primary_action(values) {
				const { made, left_out } = await frappe.xcall("sales_kpi.site.target_grid.take_over", {
					company: values.company,
					fiscal_year: values.fiscal_year,
					kpi: values.kpi,
				});
				dialog.hide();
				const said = [
					made.length
						? __("{0} drafts were created.", [made.length])
						: __("ERPNext has no target amounts to take over for {0}.", [
								frappe.utils.escape_html(values.fiscal_year).bold(),
						  ]),
					...left_out,
				];
				frappe.msgprint({ title: __("Take Over ERPNext’s Targets"), message: said.join("<br>") });
				listview.refresh();
			},
		});
		dialog.show();
	},

	async open_grid(listview) {
		const usual = await frappe.xcall("sales_kpi.site.target_form.defaults");
		new sales_kpi_target.Grid(listview, usual).show();
	},
});

// A table of salespeople and periods, filled in like a spreadsheet.
sales_kpi_target.Grid = class {
	constructor(listview, usual) {
		this.listview = listview;
		const changed = () => this.load();
		this.dialog = new frappe.ui.Dialog({
			title: __("Set Targets"),
			size: "extra-large",
			fields: [
				{
					fieldname: "company",
					fieldtype: "Link",
					options: "Company",
					label: __("Company"),
					default: frappe.defaults.get_user_default("Company"),
					reqd: 1,
					change: changed,
				},
				{
					fieldname: "kpi",
					fieldtype: "Link",
					options: "Sales KPI",
					label: __("KPI"),
					default: "sales_volume",
					reqd: 1,
					get_query: () => ({ filters: { enabled: 1 } }),
					change: changed,
				},
				{ fieldtype: "Column Break" },
				{
					fieldname: "target_for",
					fieldtype: "Select",
					label: __("Target For"),
					options: ["Salesperson", "Team", "Territory"].map((value) => ({ value, label: __(value) })),
					default: "Salesperson",
					change: changed,
				},
				{
					fieldname: "every",
					fieldtype: "Select",
					label: __("Period"),
					options: ["Week", "Month", "Quarter", "Year"].map((value) => ({ value, label: __(value) })),
					default: "Month",
					change: changed,
				},
				{ fieldtype: "Column Break" },
				{
					fieldname: "from_date",
					fieldtype: "Date",
					label: __("From Date"),
					default: usual.from_date,
					reqd: 1,
					change: changed,
				},
				{
					fieldname: "to_date",
					fieldtype: "Date",
					label: __("To Date"),
					default: usual.to_date,
					reqd: 1,
					change: changed,
				},
				{ fieldtype: "Column Break" },
				{
					fieldname: "calendar",
					fieldtype: "Select",
					label: __("Calendar"),
					options: ["Gregorian", "Fiscal", "Jalali"].map((value) => ({ value, label: __(value) })),
					default: usual.calendar,
					change: changed,
				},
				{
					fieldname: "reason",
					fieldtype: "Data",
					label: __("Reason"),
					description: __("Asked for where a target is at an extreme."),
				},
				{ fieldtype: "Section Break" },
				{ fieldname: "grid", fieldtype: "HTML" },
			],
			primary_action_label: __("Submit"),
			primary_action: () => this.save(true),
			secondary_action_label: __("Save as Drafts"),
			secondary_action: () => this.save(false),
		});
	}

	show() {
		this.dialog.show();
		this.load();
	}

	asked() {
		const asked = {};
		for (const name of ["company", "kpi", "target_for", "every", "from_date", "to_date", "calendar"]) {
			asked[name] = this.dialog.get_value(name);
		}
		return asked;
	}

	get wrapper() {
		return this.dialog.get_field("grid").$wrapper;
	}

	load() {
		clearTimeout(this.timer);
		this.timer = setTimeout(async () => {
			const asked = this.asked();
			const key = JSON.stringify(asked);
			if (key === this.key || Object.values(asked).some((value) => !value)) return;
			this.key = key;
			this.told = null;
			this.wrapper.html(`<p class="text-muted">${__("Reading what there was a year before…")}</p>`);
			try {
				const told = await frappe.xcall("sales_kpi.site.target_grid.grid", asked);
				if (this.key !== key) return;
				this.told = told;
				this.draw();
			} catch {
				if (this.key === key) this.wrapper.empty();
			}
		}, 250);
	}

	draw() {
		const { periods, rows, is_additive, title, currency } = this.told;
		const escape = frappe.utils.escape_html;
		const name_style =
			"position: sticky; inset-inline-start: 0; background: var(--fg-color, #fff); min-width: 90px; max-width: min(200px, 34vw); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; z-index: 1";
		const number = (value) => (value === null || value === undefined ? "" : this.text(value));
		const heads = periods.map(
			(period) => `<th style="text-align: end; min-width: 92px; white-space: nowrap">${escape(period.label)}</th>`
		);
		const body = rows.map((row, y) => {
			const cells = row.cells.map((cell, x) => {
				if (cell.fixed) {
					const link = frappe.utils.get_form_link("KPI Target", cell.target);
					return `<td style="text-align: end; vertical-align: middle">
						<a class="text-muted" target="_blank" href="${link}" title="${escape(cell.target)}">${number(cell.value) || "–"}</a></td>`;
				}
				return `<td style="padding: 2px"><input class="form-control input-xs" inputmode="decimal" autocomplete="off"
					style="text-align: end; min-width: 88px" data-x="${x}" data-y="${y}" dir="ltr"
					aria-label="${escape(row.scope)}, ${escape(periods[x].label)}"
					placeholder="${number(cell.before ? this.rounded(cell.before) : null)}" value="${number(cell.value)}"></td>`;
			});
			const sum = is_additive ? `<td class="row-sum" style="text-align: end; vertical-align: middle"></td>` : "";
			return `<tr data-y="${y}"><td style="${name_style}; vertical-align: middle; padding-inline-start: ${
				8 + 12 * row.indent
			}px" title="${escape(row.scope)}"><bdi>${escape(row.scope)}</bdi></td>${cells.join("")}${sum}</tr>`;
		});
		const sums = is_additive
			? `<tfoot style="position: sticky; bottom: 0; background: var(--fg-color, #fff); z-index: 2"><tr><td style="${name_style}; font-weight: 600">${__("Total")}</td>${periods
					.map((_, x) => `<td class="column-sum" data-x="${x}" style="text-align: end"></td>`)
					.join("")}<td class="whole-sum" style="text-align: end; font-weight: 600"></td></tr></tfoot>`
			: "";
		this.wrapper.html(`
			<div class="flex" style="gap: 8px; align-items: center; flex-wrap: wrap; margin-bottom: 8px">
				<span class="text-muted small" style="flex: 1 1 220px">${escape(title)}${
			currency ? ` (${escape(currency)})` : ""
		} · ${__("In grey: a year before. Cells can be pasted from a spreadsheet.")}</span>
				<span class="flex" style="gap: 6px; align-items: center">
					<span class="small">${__("A year before, and")}</span>
					<input class="form-control input-xs change" inputmode="decimal" style="width: 56px; text-align: end" value="10" dir="ltr" aria-label="%">
					<span class="small">% ${__("more")}</span>
					<button class="btn btn-xs btn-default fill">${__("Fill In")}</button>
				</span>
			</div>
			<div style="overflow: auto; max-height: 55vh; border: 1px solid var(--border-color); border-radius: 6px">
				<table class="table table-sm small" style="margin: 0">
					<thead style="position: sticky; top: 0; background: var(--fg-color, #fff); z-index: 2"><tr><th style="${name_style}">${__(this.dialog.get_value("target_for"))}</th>${heads.join("")}${
			is_additive ? `<th style="text-align: end">${__("Total")}</th>` : ""
		}</tr></thead>
					<tbody>${body.join("")}</tbody>${sums}
				</table>
			</div>`);
		this.listen();
		this.sum_up();
	}

	listen() {
		this.wrapper.off();
		this.wrapper.on("input", "input[data-x]", () => this.sum_up());
		this.wrapper.on("change", "input[data-x]", (event) => this.mark(event.currentTarget));
		this.wrapper.on("click", "button.fill", () => this.fill());
		this.wrapper.on("keydown", "input[data-x]", (event) => this.move(event));
		this.wrapper.on("paste", "input[data-x]", (event) => this.paste(event));
	}

	input(x, y) {
		return this.wrapper.find(`input[data-x="${x}"][data-y="${y}"]`);
	}

	// A number as this site writes it, without the zeros that nobody has typed.
	text(value) {
		const is_whole = Math.abs(value - Math.round(value)) < 0.005;
		return format_number(value, null, is_whole ? 0 : 2);
	}

	// As exact as a glance, or a target, needs.
	rounded(value) {
		return Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
	}

	// What is written in a cell: a number, null for nothing, NaN for what is none.
	read(element) {
		const text = this.latin($(element).val().trim());
		if (!text) return null;
		return /^[-−]?[\d.,'\s\u00a0\u202f]+$/.test(text) ? flt(text.replace("−", "-")) : NaN;
	}

	latin(text) {
		return text
			.replace(/[۰-۹]/g, (digit) => "۰۱۲۳۴۵۶۷۸۹".indexOf(digit))
			.replace(/[٠-٩]/g, (digit) => "٠١٢٣٤٥٦٧٨٩".indexOf(digit))
			.replace(/٫/g, ".")
			.replace(/٬/g, ",");
	}

	mark(element) {
		const value = this.read(element);
		$(element).css("border-color", Number.isNaN(value) ? "var(--red-500)" : "");
		if (value !== null && !Number.isNaN(value)) $(element).val(this.text(value));
		this.sum_up();
	}

	value(x, y) {
		const cell = this.told.rows[y].cells[x];
		return cell.fixed ? cell.value : this.read(this.input(x, y));
	}

	sum_up() {
		const { rows, periods, is_additive } = this.told;
		if (!is_additive) return;
		const columns = periods.map(() => 0);
		rows.forEach((row, y) => {
			let sum = 0;
			periods.forEach((_, x) => {
				const value = this.value(x, y) || 0;
				sum += value;
				columns[x] += value;
			});
			this.wrapper.find(`tr[data-y="${y}"] .row-sum`).text(sum ? this.text(sum) : "");
		});
		columns.forEach((sum, x) => this.wrapper.find(`.column-sum[data-x="${x}"]`).text(sum ? this.text(sum) : ""));
		const whole = columns.reduce((sum, one) => sum + one, 0);
		this.wrapper.find(".whole-sum").text(whole ? this.text(whole) : "");
	}

	fill() {
		const factor = 1 + flt(this.latin(this.wrapper.find("input.change").val())) / 100;
		this.told.rows.forEach((row, y) =>
			row.cells.forEach((cell, x) => {
				if (cell.fixed || cell.before === null || cell.before <= 0) return;
				const value = cell.before * factor;
				this.input(x, y).val(this.text(this.rounded(value)));
			})
		);
		this.sum_up();
	}

	move(event) {
		const { x, y } = event.currentTarget.dataset;
		const step = { ArrowUp: -1, ArrowDown: 1, Enter: 1 }[event.key];
		if (!step) return;
		event.preventDefault();
		event.stopPropagation();
		for (let row = Number(y) + step; row >= 0 && row < this.told.rows.length; row += step) {
			const next = this.input(x, row);
			if (next.length) return next.focus().select();
		}
	}

	paste(event) {
		const text = event.originalEvent.clipboardData.getData("text");
		if (!/[\t\n]/.test(text.trim())) return;
		event.preventDefault();
		const { x, y } = event.currentTarget.dataset;
		text.replace(/\r?\n$/, "")
			.split(/\r?\n/)
			.forEach((line, down) =>
				line.split("\t").forEach((cell, right) => {
					const input = this.input(Number(x) + right, Number(y) + down);
					if (input.length) this.mark(input.val(cell.trim()));
				})
			);
	}

	async save(submit) {
		if (!this.told) return;
		const rows = [];
		for (const [y, row] of this.told.rows.entries()) {
			const values = row.cells.map((cell, x) => (cell.fixed ? null : this.read(this.input(x, y))));
			const wrong = values.findIndex((value) => Number.isNaN(value));
			if (wrong >= 0) {
				frappe.msgprint(
					__("{0}, {1}: this is no number.", [
						frappe.utils.escape_html(row.scope).bold(),
						frappe.utils.escape_html(this.told.periods[wrong].label),
					])
				);
				return;
			}
			// Left alone, a row that has nothing isn't sent.
			const had = row.cells.some((cell) => !cell.fixed && cell.value !== null);
			if (had || values.some((value) => value !== null)) rows.push({ scope: row.scope, values });
		}
		if (!rows.length) {
			frappe.show_alert(__("There is no value in the grid yet."));
			return;
		}
		const saved = await frappe.xcall("sales_kpi.site.target_grid.save_grid", {
			...this.asked(),
			rows,
			submit: submit ? 1 : 0,
			reason: this.dialog.get_value("reason") || "",
		});
		this.dialog.hide();
		frappe.show_alert({
			message: submit
				? __("{0} targets were submitted.", [saved.length])
				: __("{0} drafts were saved.", [saved.length]),
			indicator: "green",
		});
		this.listview.refresh();
	}
};
