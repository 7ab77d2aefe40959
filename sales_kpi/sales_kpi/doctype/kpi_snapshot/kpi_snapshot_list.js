frappe.provide("sales_kpi_snapshot");

frappe.listview_settings["KPI Snapshot"] = {
	add_fields: ["has_value", "unit", "currency", "target_document", "scope", "alias", "period_start", "every"],
	hide_name_column: true,

	formatters: {
		kpi_title(value, df, doc) {
			const text = `${__(value)} · ${sales_kpi_figures.whose(doc)}`;
			// On a phone it is all that is seen of a row.
			return frappe.is_mobile() ? `${sales_kpi_figures.text(doc.value, doc.has_value, doc)} · ${text}` : text;
		},
		value: (value, df, doc) => sales_kpi_figures.figure(value, doc.has_value, doc),
		attainment: (value, df, doc) =>
			doc.target_document && doc.has_value
				? `<bdi>${format_number(value, null, 1)}\u202f%</bdi>`
				: "<span>–</span>",
	},

	onload(listview) {
		if (!["System Manager", "Sales Master Manager"].some((role) => frappe.user.has_role(role))) return;
		listview.page.add_inner_button(__("Take Past Snapshots"), () => sales_kpi_snapshot.backfill());
	},
};

Object.assign(sales_kpi_snapshot, {
	backfill() {
		const dialog = new frappe.ui.Dialog({
			title: __("Take Past Snapshots"),
			fields: [
				{
					fieldname: "first",
					fieldtype: "Date",
					label: __("From Date"),
					description: __("Periods that begin on this day or later. Empty for the last two years."),
				},
				{
					fieldname: "note",
					fieldtype: "HTML",
					options: `<p class="text-muted small">${__(
						"Each period is read as of the day on which its snapshot would have been taken, by the records, teams, targets and settings of today. What is there already stays as it is. It takes some minutes in the background and may be asked for again."
					)}</p>`,
				},
			],
			primary_action_label: __("Take Past Snapshots"),
			async primary_action({ first }) {
				dialog.hide();
				await frappe.call({
					method: "sales_kpi.site.snapshots.backfill_later",
					args: { first: first || null },
				});
				frappe.show_alert({ message: __("Snapshots are being taken in the background."), indicator: "blue" });
			},
		});
		dialog.show();
	},
});
