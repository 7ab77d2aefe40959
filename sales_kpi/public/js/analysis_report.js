// What the reports of the analyses share: filters, how cells are written, and how charts are drawn.
frappe.provide("sales_kpi");

// The boxes of filters show no label, so that what is chosen has to say itself what it is.
sales_kpi.TOLD_APART_BY = () => [
	{ value: "company", label: __("As a whole") },
	{ value: "team", label: __("By team") },
	{ value: "sales-person", label: __("By salesperson") },
	{ value: "territory", label: __("By territory") },
	{ value: "source", label: __("By source") },
];
sales_kpi.OF_WHOM = () => [
	{ value: "company", label: __("Of the company") },
	{ value: "team", label: __("Of a team") },
	{ value: "sales-person", label: __("Of a salesperson") },
	{ value: "territory", label: __("Of a territory") },
	{ value: "source", label: __("Of a source") },
];

// by: kinds of scopes by which figures are told apart, company excluded; every: whether periods are chosen;
// options: further filters; months: how far back the days begin,
// until the end of this month; 0 for the last whole month alone.
sales_kpi.analysis_report = function ({ by = [], every = true, months = 12, options = [] }) {
	const this_month = frappe.datetime.month_start();
	const report = {
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
				default: frappe.datetime.add_months(this_month, -(months || 1)),
			},
			{
				fieldname: "to_date",
				label: __("To Date"),
				fieldtype: "Date",
				default: months ? frappe.datetime.month_end() : frappe.datetime.add_days(this_month, -1),
			},
			...options,
			every && {
				fieldname: "every",
				label: __("Period"),
				fieldtype: "Select",
				options: [
					{ value: "week", label: __("Week") },
					{ value: "month", label: __("Month") },
					{ value: "quarter", label: __("Quarter") },
					{ value: "year", label: __("Year") },
				],
				default: "month",
			},
			by.length && {
				fieldname: "by",
				label: __("Told Apart By"),
				fieldtype: "Select",
				options: sales_kpi
					.TOLD_APART_BY()
					.filter((one) => one.value === "company" || by.includes(one.value)),
				default: "company",
			},
			{
				fieldname: "scope_by",
				label: __("Whose Figures"),
				fieldtype: "Select",
				options: sales_kpi.OF_WHOM(),
				default: "company",
				on_change: (query_report) => {
					query_report.set_filter_value("scope", "");
				},
			},
			{
				fieldname: "scope",
				label: __("Scope"),
				fieldtype: "Autocomplete",
				placeholder: __("Scope: all"),
				depends_on: "eval: doc.scope_by && doc.scope_by !== 'company'",
				get_query() {
					const values = frappe.query_report.get_filter_values();
					return {
						query: "sales_kpi.site.report.scopes",
						params: { company: values.company, by: values.scope_by },
					};
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
		].filter(Boolean),

		// Frappe waits for this before it runs the report.
		async onload(query_report) {
			const offered = await frappe.xcall("sales_kpi.site.report.offered");
			const company = query_report.get_filter("company");
			if (!company.get_value()) company.set_input(offered.company);
		},

		formatter(value, row, column, data, default_formatter) {
			if (!data) return default_formatter(value, row, column, data);
			const escape = frappe.utils.escape_html;
			const text = escape(data[`${column.fieldname}_text`] ?? value ?? "");
			const link = data[`${column.fieldname}_link`];
			if (link && column.doctype) {
				return `<a href="${escape(frappe.utils.get_form_link(column.doctype, link))}">${text}</a>`;
			}
			if (["text", "name", "day", "period"].includes(column.kind)) return `<bdi title="${text}">${text}</bdi>`;
			const muted = value === null || value === undefined ? ' class="text-muted"' : "";
			return `<div style="text-align: end"><bdi${muted}>${text}</bdi></div>`;
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
					formatTooltipY: (value) => (value === null ? "–" : format_number(value, null, 2)),
				},
			};
		},

		after_datatable_render() {
			const query_report = frappe.query_report;
			const options = query_report.chart_options;
			this.observer?.disconnect();
			if (!options) return;
			const parent = query_report.$chart[0];
			// The chart draws itself anew whenever its width changes; other reports draw theirs in the same place.
			this.observer = new MutationObserver(() => {
				if (query_report.chart_options === options) sales_kpi.draw_gaps(parent, options);
			});
			this.observer.observe(parent, { childList: true, subtree: true });
			sales_kpi.draw_gaps(parent, options);
		},
	};
	return report;
};

// A missing value is a gap, never a zero; labels that fit aren't cut.
sales_kpi.draw_gaps = function (parent, options) {
	const labels = options.data.labels;
	const room = parent.clientWidth / labels.length;
	parent.querySelectorAll(".x.axis text").forEach((text, index) => {
		const fits = (labels[index] || "").length * 7 < room;
		if (fits && text.innerHTML !== labels[index]) text.innerHTML = labels[index];
	});
	options.data.datasets.forEach((dataset, number) => {
		if (!dataset.values.includes(null)) return;
		const units = parent.querySelector(`.dataset-units.dataset-${number}`);
		if (!units) return;
		const points = [...units.querySelectorAll("[data-point-index]")];
		let pen = "M";
		const steps = [];
		points.forEach((point) => {
			const missing = dataset.values[Number(point.getAttribute("data-point-index"))] === null;
			point.style.display = missing ? "none" : "";
			if (missing) {
				pen = "M";
				return;
			}
			steps.push(`${pen}${point.getAttribute("cx")},${point.getAttribute("cy")}`);
			pen = "L";
		});
		const line = units.querySelector("path.line-graph-path");
		if (line) line.setAttribute("d", steps.join("") || "M0,0");
	});
};
