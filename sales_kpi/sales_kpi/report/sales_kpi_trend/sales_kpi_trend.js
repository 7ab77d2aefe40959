frappe.query_reports["Sales KPI Trend"] = {
	filters: [
		{ fieldname: "kpi", label: __("KPI"), fieldtype: "Autocomplete", ignore_validation: true },
		sales_kpi.filters.company(),
		{
			fieldname: "by",
			label: __("Figures By"),
			fieldtype: "Select",
			options: [
				{ value: "", label: __("What I answer for") },
				...sales_kpi.scope_options(),
			],
			// What was chosen of another kind means nothing now.
			on_change(report) {
				if (report._no_refresh) return;
				report.get_filter("scopes").set_value([]);
				report.refresh();
			},
		},
		{
			fieldname: "scopes",
			label: __("Of Whom or What"),
			fieldtype: "MultiSelectList",
			placeholder: __("All of them"),
			async get_data(txt) {
				const report = frappe.query_report;
				const by = report.get_filter_value("by");
				const company = report.get_filter_value("company");
				if (!company || !by || by === "company") return [];
				const scopes = await frappe.xcall("sales_kpi.site.report.scopes", { company, by, txt });
				return scopes.map((scope) => ({ ...scope, description: "" }));
			},
		},
		sales_kpi.filters.every("day", "week", "month", "quarter", "year"),
		{ fieldname: "periods", label: __("Number of Periods"), fieldtype: "Int", default: 13 },
		{
			fieldname: "until",
			label: __("Until the Period Of"),
			fieldtype: "Date",
			default: frappe.datetime.get_today(),
		},
		sales_kpi.filters.calendar(),
	],

	// Frappe waits for this before it runs the report.
	async onload(report) {
		const offered = await frappe.xcall("sales_kpi.site.report.offered");
		const company = report.get_filter("company");
		if (!company.get_value()) company.set_input(offered.company);
		const kpi = report.get_filter("kpi");
		const chosen = kpi.get_value() || offered.kpis[0]?.value;
		kpi.set_data(offered.kpis);
		kpi.set_input(chosen);
	},

	formatter(value, row, column, data, default_formatter) {
		if (!data) return default_formatter(value, row, column, data);
		const escape = frappe.utils.escape_html;
		const { at_end: end, colored } = sales_kpi;
		switch (column.fieldname) {
			case "value": {
				const text = escape(data.value_text);
				const faded = data.complete ? "" : ' class="text-muted"';
				if (data.value === null) return end(`<span class="text-muted">${text}</span>`);
				return end(`<a${faded} style="${sales_kpi.UNDERLINED}" href="${sales_kpi.documents_of(data)}">${text}</a>`);
			}
			case "change":
				return end(colored(escape(data.change_text), data.tone));
			case "year_change":
				return end(colored(escape(data.year_change_text), data.year_tone));
			case "year_before":
				return end(`<span class="text-muted">${escape(data.year_before_text)}</span>`);
			case "target":
				return sales_kpi.target(data);
			case "attainment":
				return end(escape(data.attainment_text));
			case "stands":
				return sales_kpi.standing(value, data.stands_tone);
			case "n":
				if (value === null) return end('<span class="text-muted">–</span>');
				return end(format_number(value, null, Number.isInteger(value) ? 0 : 2));
			default:
				return default_formatter(escape(value ?? ""), row, column, data);
		}
	},

	get_chart_data: () => sales_kpi.own_chart({ axis: { shortenYAxisNumbers: 1 } }),

	after_datatable_render() {
		sales_kpi.follow_chart(this, (parent, options) => {
			const labels = options.data.labels;
			const longest = Math.max(...labels.map((label) => label.length));
			if ((parent.clientWidth - 80) / labels.length > 6 * longest) {
				sales_kpi.write_labels(parent, labels);
			}
			// A year before and the target are final also in a period that isn't over.
			const is_earlier = (number) => number > 0 && options.compared;
			sales_kpi.draw_points(
				parent,
				options,
				(index, number) => options.so_far[index] && !is_earlier(number)
			);
		});
	},
};
