frappe.query_reports["Sales KPI Values"] = {
	filters: [
		sales_kpi.filters.company(),
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
		sales_kpi.filters.every("day", "week", "month", "quarter", "year", "range"),
		{
			fieldname: "by",
			label: __("Figures By"),
			fieldtype: "Select",
			options: sales_kpi.scope_options(),
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
		sales_kpi.filters.calendar(),
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
		const end = sales_kpi.at_end;
		const escape = frappe.utils.escape_html;
		switch (column.fieldname) {
			case "value": {
				const text = escape(data.value_text);
				const faded = data.complete ? "" : ' class="text-muted"';
				if (data.value === null) return end(`<span class="text-muted">${text}</span>`);
				return end(`<a${faded} style="${sales_kpi.UNDERLINED}" href="${this.route_of(data)}">${text}</a>`);
			}
			case "previous":
				return end(`<span class="text-muted">${escape(data.previous_text)}</span>`);
			case "change":
				return end(sales_kpi.colored(escape(data.change_text), data.tone));
			case "target":
				return sales_kpi.target(data);
			case "attainment":
				return end(escape(data.attainment_text));
			case "stands":
				return sales_kpi.standing(value, data.stands_tone);
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
		const as_of = frappe.query_report.get_filter_value("as_of");
		return sales_kpi.documents_of(data, as_of ? { as_of } : {});
	},

	get_chart_data: () => sales_kpi.own_chart(),

	after_datatable_render() {
		sales_kpi.follow_chart(this, (parent, options) => {
			const labels = options.data.labels;
			if (parent.clientWidth / labels.length > 80 && labels.every((label) => label.length < 16)) {
				sales_kpi.write_labels(parent, labels);
			}
			sales_kpi.draw_points(parent, options, (index) => options.so_far[index]);
		});
	},
};
