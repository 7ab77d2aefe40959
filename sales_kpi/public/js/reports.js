// What the reports and chart sources share: filters, how cells are written, and how charts are drawn.
frappe.provide("sales_kpi.filters");

sales_kpi.scope_options = () => [
	{ value: "company", label: __("Company") },
	{ value: "team", label: __("Team") },
	{ value: "sales-person", label: __("Sales Person") },
	{ value: "territory", label: __("Territory") },
	{ value: "source", label: __("Source") },
];

sales_kpi.filters.company = () => ({
	fieldname: "company",
	label: __("Company"),
	fieldtype: "Link",
	options: "Company",
	default: frappe.defaults.get_user_default("Company"),
});

sales_kpi.filters.every = (...kinds) => {
	const known = {
		day: __("Day"),
		week: __("Week"),
		month: __("Month"),
		quarter: __("Quarter"),
		year: __("Year"),
		range: __("Whole range"),
	};
	return {
		fieldname: "every",
		label: __("Period"),
		fieldtype: "Select",
		options: kinds.map((value) => ({ value, label: known[value] })),
		default: "month",
	};
};

sales_kpi.filters.calendar = () => ({
	fieldname: "calendar",
	label: __("Calendar"),
	fieldtype: "Select",
	options: [
		{ value: "", label: __("Usual calendar") },
		{ value: "Gregorian", label: __("Gregorian") },
		{ value: "Fiscal", label: __("Fiscal") },
		{ value: "Jalali", label: __("Jalali") },
	],
});

// Of a chart source, whose filters stand in a dialog.
sales_kpi.filters.whose = () => [
	{
		fieldname: "by",
		label: __("Figures By"),
		fieldtype: "Select",
		options: [
			{ value: "", label: __("What the reader answers for") },
			...sales_kpi.scope_options(),
		],
	},
	{
		fieldname: "scopes",
		label: __("Of Whom or What"),
		fieldtype: "MultiSelectList",
		get_data(txt) {
			const { company, by } = cur_dialog?.get_values(true) || {};
			if (!company || !by) return [];
			return frappe.xcall("sales_kpi.site.report.scopes", { company, by, txt }).then((scopes) =>
				scopes.map((scope) => ({ ...scope, description: "" }))
			);
		},
	},
];

sales_kpi.UNDERLINED = "text-decoration: underline; text-decoration-color: var(--gray-400)";

// A figure, at the end of its cell whichever way the page is written.
sales_kpi.at_end = (text) => `<div style="text-align: end"><bdi>${text}</bdi></div>`;

sales_kpi.colored = (text, tone) => {
	const colors = { good: "var(--green-600)", warn: "var(--orange-600)", bad: "var(--red-600)" };
	return `<span style="color: ${colors[tone] || "inherit"}">${text}</span>`;
};

// How a figure stands beside its target: a sign and a word, since colour alone tells not everybody.
sales_kpi.standing = (text, tone) => {
	if (!text) return "";
	const sign = { good: "●", warn: "◐", bad: "○" }[tone] || "·";
	return sales_kpi.colored(`${sign} ${frappe.utils.escape_html(text)}`, tone);
};

sales_kpi.target = (data) => {
	const escape = frappe.utils.escape_html;
	const text = escape(data.target_text);
	// Several targets that add up have no form in common.
	if (!data.target_document || data.target_document.includes(", ")) return sales_kpi.at_end(text);
	const href = escape(frappe.utils.get_form_link("KPI Target", data.target_document));
	return sales_kpi.at_end(`<a style="${sales_kpi.UNDERLINED}" href="${href}">${text}</a>`);
};

// The address of the documents behind a figure.
sales_kpi.documents_of = (data, more = {}) => {
	const asked = {
		kpi: data.kpi_name,
		company: data.company,
		from_date: data.period_start,
		to_date: data.period_end,
		by: data.by,
		scope: data.scope_name,
		...more,
	};
	const route = `query-report/${encodeURIComponent("Sales KPI Documents")}?${new URLSearchParams(asked)}`;
	return frappe.utils.escape_html(frappe.utils.generate_route({ type: "route", route }));
};

// A report's chart as it is to be drawn over: without motion. axis: further options; text_of: how a value is written.
sales_kpi.own_chart = ({ axis = {}, text_of = (value, chart) => chart.texts[value] ?? value } = {}) => {
	const chart = frappe.query_report.raw_data.chart;
	if (!chart) return;
	return {
		...chart,
		is_ours: true,
		animate: 0,
		disableEntryAnimation: 1,
		axisOptions: { xIsSeries: false, ...axis },
		tooltipOptions: { formatTooltipY: (value) => (value === null ? "–" : text_of(value, chart)) },
	};
};

// Let a report's chart be drawn over whenever it draws itself anew, as it does when its width changes; other reports
// draw theirs in the same place.
sales_kpi.follow_chart = (report, draw) => {
	const query_report = frappe.query_report;
	const options = query_report.chart_options;
	report.observer?.disconnect();
	if (!options?.is_ours) return;
	const parent = query_report.$chart[0];
	report.observer = new MutationObserver(() => {
		if (query_report.chart_options === options) draw(parent, options);
	});
	report.observer.observe(parent, { childList: true, subtree: true });
	draw(parent, options);
};

// A missing value is a gap, never a zero; what isn't final yet is faded, where `is_faded` says so of a point.
sales_kpi.draw_points = (parent, options, is_faded = () => false) => {
	options.data.datasets.forEach((dataset, number) => {
		const units = parent.querySelector(`.dataset-units.dataset-${number}`);
		if (!units) return;
		const points = [...units.querySelectorAll("[data-point-index]")];
		const index_of = (point) => Number(point.getAttribute("data-point-index"));
		points.forEach((point) => {
			point.style.display = dataset.values[index_of(point)] === null ? "none" : "";
			point.style.opacity = is_faded(index_of(point), number) ? 0.45 : 1;
		});
		const line = units.querySelector("path.line-graph-path");
		if (!line || !dataset.values.includes(null)) return;
		let pen = "M";
		const steps = [];
		points.forEach((point) => {
			if (dataset.values[index_of(point)] === null) {
				pen = "M";
				return;
			}
			steps.push(`${pen}${point.getAttribute("cx")},${point.getAttribute("cy")}`);
			pen = "L";
		});
		line.setAttribute("d", steps.join("") || "M0,0");
	});
};

// Write labels of the axis whole where they fit; frappe-charts cuts them early.
sales_kpi.write_labels = (parent, labels, fits = () => true) => {
	parent.querySelectorAll(".x.axis text").forEach((text, index) => {
		const label = labels[index] || "";
		if (fits(label) && text.innerHTML !== label) text.innerHTML = label;
	});
};

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

// by: kinds of scopes by which figures are told apart, company excluded; told_by: the one that is usual; every: whether periods are chosen;
// options: further filters; months: how far back the days begin,
// until the end of this month; 0 for the last whole month alone.
sales_kpi.analysis_report = function ({ by = [], told_by = "company", every = true, months = 12, options = [] }) {
	const this_month = frappe.datetime.month_start();
	const report = {
		filters: [
			sales_kpi.filters.company(),
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
			every && sales_kpi.filters.every("week", "month", "quarter", "year"),
			by.length && {
				fieldname: "by",
				label: __("Told Apart By"),
				fieldtype: "Select",
				options: sales_kpi
					.TOLD_APART_BY()
					.filter((one) => one.value === "company" || by.includes(one.value)),
				default: told_by,
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
			sales_kpi.filters.calendar(),
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

		get_chart_data: () => sales_kpi.own_chart({ text_of: (value) => format_number(value, null, 2) }),

		after_datatable_render() {
			sales_kpi.follow_chart(this, (parent, options) => {
				const { labels } = options.data;
				const room = parent.clientWidth / labels.length;
				if (options.is_bridge) {
					// Each bar has a name of its own, which can't be told from its neighbours.
					sales_kpi.write_labels(parent, labels, (label) => label.length * 6 < room);
					return;
				}
				const longest = Math.max(...labels.map((label) => label.length)) * 7;
				// Where there is no room for all labels, only every so many is written, so that the last one is.
				const every = Math.ceil((longest * labels.length) / parent.clientWidth);
				const last = frappe.utils.is_rtl() ? 0 : labels.length - 1;
				const shown = labels.map((label, place) => ((last - place) % every ? "" : label));
				sales_kpi.write_labels(parent, shown);
				sales_kpi.draw_points(parent, options);
			});
		},
	};
	return report;
};
