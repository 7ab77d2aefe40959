frappe.query_reports["KPI Target Attainment"] = {
	filters: [
		sales_kpi.filters.company(),
		sales_kpi.filters.every("week", "month", "quarter", "year"),
		{
			fieldname: "day",
			label: __("A Day in the Period"),
			fieldtype: "Date",
			default: frappe.datetime.get_today(),
		},
		{
			fieldname: "by",
			label: __("Figures By"),
			fieldtype: "Select",
			options: sales_kpi.scope_options().filter((one) => one.value !== "source"),
			default: "team",
		},
		{
			fieldname: "kpis",
			label: __("KPIs"),
			fieldtype: "MultiSelectList",
			placeholder: __("KPIs: all"),
			get_data(text) {
				const wanted = (text || "").toLowerCase();
				const known = frappe.query_reports["KPI Target Attainment"].kpis || [];
				return known.filter((kpi) => kpi.label.toLowerCase().includes(wanted));
			},
		},
		sales_kpi.filters.calendar(),
	],

	tree: true,
	initial_depth: 3,

	// Frappe waits for this before it runs the report.
	async onload(report) {
		const offered = await frappe.xcall("sales_kpi.site.report.offered");
		this.kpis = offered.kpis;
		const company = report.get_filter("company");
		if (!company.get_value()) company.set_input(offered.company);
		const chosen = report.get_filter("kpis");
		chosen._options = offered.kpis;
		chosen.update_status();
		if (frappe.model.can_create("KPI Target")) {
			report.page.add_inner_button(__("New Target"), () => frappe.new_doc("KPI Target"));
		}
	},

	formatter(value, row, column, data, default_formatter) {
		if (!data) return default_formatter(value, row, column, data);
		const escape = frappe.utils.escape_html;
		const end = sales_kpi.at_end;
		switch (column.fieldname) {
			case "what": {
				const text = default_formatter(escape(value ?? ""), row, column, data);
				return data.is_scope ? text.replace(escape(value), `<b>${escape(value)}</b>`) : text;
			}
			case "status":
				return sales_kpi.standing(value, data.tone);
			case "attainment": {
				const text = escape(data.attainment_text);
				return end(data.is_scope ? `<b>${text}</b>` : text);
			}
			case "value": {
				if (data.is_scope) return "";
				const text = escape(data.value_text);
				if (data.value === null) return end(`<span class="text-muted">${text}</span>`);
				return end(`<a style="${sales_kpi.UNDERLINED}" href="${sales_kpi.documents_of(data)}">${text}</a>`);
			}
			case "target":
				return data.is_scope ? "" : sales_kpi.target(data);
			case "gap":
			case "pace":
			case "projection":
				return end(escape(data[`${column.fieldname}_text`] || ""));
			case "trend":
				return this.sparkline(data.points, value);
			default:
				return default_formatter(escape(value ?? ""), row, column, data);
		}
	},

	// Attainments of the last periods, with the line of 100 %; a gap where there is none.
	sparkline(points, text) {
		const known = (points || []).filter((point) => point !== null);
		if (!known.length) return "";
		const [width, height, edge] = [110, 22, 3];
		const most = Math.max(1.2, ...known);
		const least = Math.min(0, ...known);
		const step = (width - 2 * edge) / Math.max(points.length - 1, 1);
		const is_rtl = frappe.utils.is_rtl();
		const x = (index) => (is_rtl ? width - edge - index * step : edge + index * step);
		const y = (point) => height - edge - ((point - least) / (most - least)) * (height - 2 * edge);
		let pen = "M";
		const steps = [];
		points.forEach((point, index) => {
			if (point === null) {
				pen = "M";
				return;
			}
			steps.push(`${pen}${x(index).toFixed(1)},${y(point).toFixed(1)}`);
			pen = "L";
		});
		const last = points.length - 1;
		const dot =
			points[last] === null
				? ""
				: `<circle cx="${x(last).toFixed(1)}" cy="${y(points[last]).toFixed(1)}" r="2.5" fill="var(--text-color)" />`;
		return `<svg width="${width}" height="${height}" role="img" aria-label="${frappe.utils.escape_html(text)}">
			<title>${frappe.utils.escape_html(text)}</title>
			<line x1="0" x2="${width}" y1="${y(1)}" y2="${y(1)}" stroke="var(--gray-400)" stroke-dasharray="2,2" />
			<path d="${steps.join("")}" fill="none" stroke="var(--text-muted)" stroke-width="1.5" />${dot}</svg>`;
	},

	get_chart_data() {
		const chart = frappe.query_report.raw_data.chart;
		return chart && { ...chart, is_ours: true, animate: 0, disableEntryAnimation: 1, axisOptions: { xIsSeries: false } };
	},

	// Names of people, which the library would cut at their third letter.
	after_datatable_render() {
		sales_kpi.follow_chart(this, (parent, options) => {
			const room = parent.clientWidth / options.data.labels.length;
			sales_kpi.write_labels(parent, options.data.labels, (label) => label.length * 6 < room);
		});
	},
};
