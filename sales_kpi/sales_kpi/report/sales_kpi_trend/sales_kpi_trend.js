frappe.query_reports["Sales KPI Trend"] = {
	filters: [
		{ fieldname: "kpi", label: __("KPI"), fieldtype: "Autocomplete", ignore_validation: true },
		{
			fieldname: "company",
			label: __("Company"),
			fieldtype: "Link",
			options: "Company",
			default: frappe.defaults.get_user_default("Company"),
		},
		{
			fieldname: "by",
			label: __("Figures By"),
			fieldtype: "Select",
			options: [
				{ value: "", label: __("What I answer for") },
				{ value: "company", label: __("Company") },
				{ value: "team", label: __("Team") },
				{ value: "sales-person", label: __("Sales Person") },
				{ value: "territory", label: __("Territory") },
				{ value: "source", label: __("Source") },
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
			],
			default: "month",
		},
		{ fieldname: "periods", label: __("Number of Periods"), fieldtype: "Int", default: 13 },
		{
			fieldname: "until",
			label: __("Until the Period Of"),
			fieldtype: "Date",
			default: frappe.datetime.get_today(),
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
		const end = (text) => `<div style="text-align: end"><bdi>${text}</bdi></div>`;
		const underlined = "text-decoration: underline; text-decoration-color: var(--gray-400)";
		const colors = { good: "var(--green-600)", warn: "var(--orange-600)", bad: "var(--red-600)" };
		const colored = (text, tone) => `<span style="color: ${colors[tone] || "inherit"}">${text}</span>`;
		switch (column.fieldname) {
			case "value": {
				const text = escape(data.value_text);
				const faded = data.complete ? "" : ' class="text-muted"';
				if (data.value === null) return end(`<span class="text-muted">${text}</span>`);
				return end(`<a${faded} style="${underlined}" href="${this.documents_of(data)}">${text}</a>`);
			}
			case "change":
				return end(colored(escape(data.change_text), data.tone));
			case "year_change":
				return end(colored(escape(data.year_change_text), data.year_tone));
			case "year_before":
				return end(`<span class="text-muted">${escape(data.year_before_text)}</span>`);
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
				const sign = { good: "●", warn: "◐", bad: "○" }[data.stands_tone] || "·";
				return colored(`${sign} ${escape(value)}`, data.stands_tone);
			}
			case "n":
				if (value === null) return end('<span class="text-muted">–</span>');
				return end(format_number(value, null, Number.isInteger(value) ? 0 : 2));
			default:
				return default_formatter(escape(value ?? ""), row, column, data);
		}
	},

	// The documents behind a figure.
	documents_of(data) {
		const asked = {
			kpi: data.kpi_name,
			company: data.company,
			from_date: data.period_start,
			to_date: data.period_end,
			by: data.by,
			scope: data.scope_name,
		};
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
			axisOptions: { xIsSeries: false, shortenYAxisNumbers: 1 },
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
		const longest = Math.max(...labels.map((label) => label.length));
		if ((parent.clientWidth - 80) / labels.length > 6 * longest) {
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
				// A year before and the target are final also in a period that isn't over.
				const is_earlier = number > 0 && options.compared;
				point.style.opacity = options.so_far[index] && !is_earlier ? 0.45 : 1;
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
