// How lists and forms of snapshots and restatements write figures and names.
frappe.provide("sales_kpi_figures");

Object.assign(sales_kpi_figures, {
	// A figure with its unit as a text in one piece; a dash where there is none, never a zero.
	text(value, has_value, { unit, currency }) {
		if (!has_value) return "–";
		const plain = (number, decimals) => format_number(number, null, decimals);
		const whole = (number) => (Math.abs(number - Math.round(number)) < 0.005 ? 0 : 2);
		const text = {
			percent: () => `${plain(value * 100, 1)}\u202f%`,
			currency: () => format_currency(value, currency, Math.abs(value) < 100 ? 2 : 0),
			"currency per day": () => __("{0} a day", [format_currency(value, currency)]),
			days: () => __("{0} days", [plain(value, whole(value) ? 1 : 0)]),
			seconds: () => __("{0} min", [plain(value / 60, 1)]),
			ratio: () => __("{0} times", [plain(value, 1)]),
		}[unit];
		return `\u2068${text ? text() : plain(value, whole(value))}\u2069`;
	},

	figure(value, has_value, doc) {
		return `<span>${frappe.utils.escape_html(this.text(value, has_value, doc))}</span>`;
	},

	// A name for people: of somebody who was forgotten, and of nobody, in the reader's language.
	who(name) {
		if (!name) return __("(unassigned)");
		const former = /^Former salesperson (\d+)$/.exec(name);
		return former ? __("Former salesperson {0}", [former[1]]) : name;
	},

	// Plain text: a list takes markup out of what names its rows.
	whose(doc) {
		const who = this.who(doc.scope);
		const named = doc.alias ? __("{0} (formerly {1})", [who, this.who(doc.alias)]) : who;
		const day = frappe.datetime.str_to_user(doc.period_start);
		return `\u2068${named}\u2069 · \u2068${day}\u2069 (${__(doc.every)})`;
	},

	// Names and titles as the reader's language has them, in fields that can't be edited.
	translate(frm) {
		frm.set_df_property("kpi_title", "formatter", (value) => frappe.utils.escape_html(__(value || "")));
		frm.set_df_property("scope", "formatter", (value) => frappe.utils.escape_html(this.who(value)));
	},
});
