frappe.query_reports["Sales KPI Values"] = {
	filters: [
		{
			fieldname: "company",
			label: __("Company"),
			fieldtype: "Link",
			options: "Company",
			default: frappe.defaults.get_user_default("Company"),
		},
		{
			fieldname: "from_date",
			label: __("From Date"),
			fieldtype: "Date",
			default: frappe.datetime.add_months(frappe.datetime.month_start(), -6),
		},
		{
			fieldname: "to_date",
			label: __("To Date"),
			fieldtype: "Date",
			default: frappe.datetime.month_end(),
		},
		{
			fieldname: "every",
			label: __("Period"),
			fieldtype: "Select",
			options: [
				{ value: "day", label: __("Day") },
				{ value: "week", label: __("Week") },
				{ value: "month", label: __("Month") },
				{ value: "quarter", label: __("Quarter") },
				{ value: "year", label: __("Year") },
				{ value: "range", label: __("Whole range") },
			],
			default: "month",
		},
		{
			fieldname: "by",
			label: __("Figures By"),
			fieldtype: "Select",
			options: [
				{ value: "company", label: __("Company") },
				{ value: "team", label: __("Team") },
				{ value: "sales-person", label: __("Sales Person") },
				{ value: "territory", label: __("Territory") },
				{ value: "source", label: __("Source") },
			],
			default: "company",
		},
		{
			fieldname: "kpis",
			label: __("KPIs"),
			fieldtype: "MultiSelectList",
			placeholder: __("KPIs: all"),
			get_data(text) {
				const wanted = (text || "").toLowerCase();
				const known = frappe.query_reports["Sales KPI Values"].kpis || [];
				return known.filter((kpi) => kpi.label.toLowerCase().includes(wanted));
			},
		},
		{
			fieldname: "calendar",
			label: __("Calendar"),
			fieldtype: "Select",
			options: [
				{ value: "", label: __("Usual calendar") },
				{ value: "Gregorian", label: __("Gregorian") },
				{ value: "Fiscal", label: __("Fiscal") },
				{ value: "Jalali", label: __("Jalali") },
			],
		},
		{ fieldname: "as_of", label: __("As Of"), fieldtype: "Date" },
	],

	// Frappe waits for this before it runs the report.
	async onload(report) {
		const offered = await frappe.xcall("sales_kpi.site.report.offered");
		this.kpis = offered.kpis;
		const days = ["from_date", "to_date"].map((name) => report.get_filter(name));
		// Untouched, the days are those of the settings' calendar, whose months may be others.
		const untouched = days.every((day) => !day.get_value() || day.get_value() === day.df.default);
		if (untouched) days.forEach((day) => day.set_input(offered[day.df.fieldname]));
		const company = report.get_filter("company");
		if (!company.get_value()) company.set_input(offered.company);
		const chosen = report.get_filter("kpis");
		chosen._options = offered.kpis;
		chosen.update_status();
	},

	formatter(value, row, column, data, default_formatter) {
		if (!data) return default_formatter(value, row, column, data);
		const end = (text) => `<div style="text-align: end"><bdi>${text}</bdi></div>`;
		const escape = frappe.utils.escape_html;
		const underlined = "text-decoration: underline; text-decoration-color: var(--gray-400)";
		switch (column.fieldname) {
			case "value": {
				const text = escape(data.value_text);
				const faded = data.complete ? "" : ' class="text-muted"';
				if (data.value === null) return end(`<span class="text-muted">${text}</span>`);
				return end(`<a${faded} style="${underlined}" href="${this.route_of(data)}">${text}</a>`);
			}
			case "previous":
				return end(`<span class="text-muted">${escape(data.previous_text)}</span>`);
			case "change": {
				const color = { good: "var(--green-600)", bad: "var(--red-600)" }[data.tone];
				return end(`<span style="color: ${color || "inherit"}">${escape(data.change_text)}</span>`);
			}
			case "target": {
				const text = escape(data.target_text);
				// Several targets that add up have no form in common.
				if (!data.target_document || data.target_document.includes(", ")) return end(text);
				const href = escape(frappe.utils.get_form_link("KPI Target", data.target_document));
				return end(`<a style="${underlined}" href="${href}">${text}</a>`);
			}
			case "attainment":
				return end(escape(data.attainment_text));
			case "stands": {
				if (!value) return "";
				const color = { good: "var(--green-600)", warn: "var(--orange-600)", bad: "var(--red-600)" };
				const sign = { good: "●", warn: "◐", bad: "○" }[data.stands_tone] || "·";
				return `<span style="color: ${color[data.stands_tone] || "inherit"}">${sign} ${escape(value)}</span>`;
			}
			case "numerator":
			case "denominator":
			case "n":
				if (value === null) return end('<span class="text-muted">–</span>');
				return end(format_number(value, null, Number.isInteger(value) ? 0 : 2));
			default:
				return default_formatter(escape(value ?? ""), row, column, data);
		}
	},

	// The documents behind a figure.
	route_of(data) {
		const asked = {
			kpi: data.kpi_name,
			company: data.company,
			from_date: data.period_start,
			to_date: data.period_end,
			by: data.by,
			scope: data.scope_name,
		};
		const as_of = frappe.query_report.get_filter_value("as_of");
		if (as_of) asked.as_of = as_of;
		const route = `query-report/${encodeURIComponent("Sales KPI Documents")}?${new URLSearchParams(asked)}`;
		return frappe.utils.escape_html(frappe.utils.generate_route({ type: "route", route }));
	},

	get_chart_data() {
		const chart = frappe.query_report.raw_data.chart;
		if (!chart) return;
		return {
			...chart,
			animate: 0,
			disableEntryAnimation: 1,
			axisOptions: { xIsSeries: false },
			tooltipOptions: {
				formatTooltipY: (value) => (value === null ? "–" : chart.texts[value] ?? value),
			},
		};
	},

	after_datatable_render() {
		const report = frappe.query_report;
		const options = report.chart_options;
		this.observer?.disconnect();
		if (!options?.so_far) return;
		const parent = report.$chart[0];
		// The chart draws itself anew whenever its width changes; other reports draw theirs in the same place.
		this.observer = new MutationObserver(() => {
			if (frappe.query_report.chart_options === options) this.draw_honestly(parent, options);
		});
		this.observer.observe(parent, { childList: true, subtree: true });
		this.draw_honestly(parent, options);
	},

	// A missing value is a gap, never a zero; what isn't final yet is faded; labels that fit aren't cut.
	draw_honestly(parent, options) {
		const labels = options.data.labels;
		if (parent.clientWidth / labels.length > 80 && labels.every((label) => label.length < 16)) {
			parent.querySelectorAll(".x.axis text").forEach((text, index) => {
				if (text.innerHTML !== labels[index]) text.innerHTML = labels[index];
			});
		}
		options.data.datasets.forEach((dataset, number) => {
			const units = parent.querySelector(`.dataset-units.dataset-${number}`);
			if (!units) return;
			const points = [...units.querySelectorAll("[data-point-index]")];
			points.forEach((point) => {
				const index = Number(point.getAttribute("data-point-index"));
				point.style.display = dataset.values[index] === null ? "none" : "";
				point.style.opacity = options.so_far[index] ? 0.45 : 1;
			});
			const line = units.querySelector("path.line-graph-path");
			if (!line || !dataset.values.includes(null)) return;
			let pen = "M";
			const steps = [];
			points.forEach((point) => {
				const index = Number(point.getAttribute("data-point-index"));
				if (dataset.values[index] === null) {
					pen = "M";
					return;
				}
				steps.push(`${pen}${point.getAttribute("cx")},${point.getAttribute("cy")}`);
				pen = "L";
			});
			line.setAttribute("d", steps.join("") || "M0,0");
		});
	},
};
