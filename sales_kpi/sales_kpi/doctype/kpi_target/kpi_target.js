frappe.provide("sales_kpi_target");

frappe.ui.form.on("KPI Target", {
	setup(frm) {
		// The parts of a cancelled target stay, and its amendment takes them over.
		frm.ignore_doctypes_on_cancel_all = ["KPI Target"];
		frm.set_query("kpi", () => ({ filters: { enabled: 1 } }));
		frm.set_query("sales_person", (doc) => ({
			filters: { enabled: 1, is_group: doc.target_for === "Team" ? 1 : 0 },
		}));
		frm.set_query("parent_target", (doc) => ({
			filters: {
				company: doc.company || "",
				kpi: doc.kpi || "",
				target_for: ["in", ["Company", "Team"]],
				docstatus: ["<", 2],
			},
		}));
	},

	async onload(frm) {
		if (!frm.is_new() || frm.doc.from_date || frm.doc.amended_from) return;
		await frm.set_value(await frappe.xcall("sales_kpi.site.target_form.defaults"));
	},

	async refresh(frm) {
		sales_kpi_target.show_columns(frm);
		sales_kpi_target.draw_parts(frm);
		sales_kpi_target.add_buttons(frm);
		for (const fieldname of ["unit_note", "evidence"]) frm.get_field(fieldname).$wrapper.empty();
		frm.toggle_display("reason", Boolean(frm.doc.reason));
		await sales_kpi_target.tell_terms(frm);
		sales_kpi_target.preview(frm);
	},

	kpi: (frm) => sales_kpi_target.tell_terms(frm, true),
	target_for(frm) {
		if (["Company", "Territory"].includes(frm.doc.target_for)) frm.set_value("sales_person", null);
		if (frm.doc.target_for !== "Territory") frm.set_value("territory", null);
		sales_kpi_target.later(frm);
	},
	split(frm) {
		sales_kpi_target.show_columns(frm);
		if (frm.doc.split === "By Hand" && !(frm.doc.periods || []).length) {
			sales_kpi_target.fill_periods(frm);
		}
		sales_kpi_target.later(frm);
	},
	kind(frm) {
		sales_kpi_target.show_columns(frm);
		sales_kpi_target.later(frm);
	},
	is_range(frm) {
		sales_kpi_target.show_columns(frm);
		sales_kpi_target.later(frm);
	},
	company: (frm) => sales_kpi_target.tell_terms(frm),
});

for (const fieldname of [
	"company", "kpi", "sales_person", "territory", "calendar", "every", "from_date", "to_date", "value", "low", "high",
	"change_by", "change_in", "relative_to", "goal", "shape", "monthly_distribution", "holiday_list", "parent_target",
]) {
	frappe.ui.form.on("KPI Target", fieldname, (frm) => sales_kpi_target.later(frm));
}

frappe.ui.form.on("KPI Target Period", {
	value: (frm) => sales_kpi_target.later(frm),
	low: (frm) => sales_kpi_target.later(frm),
	high: (frm) => sales_kpi_target.later(frm),
	periods_remove: (frm) => sales_kpi_target.later(frm),
});

Object.assign(sales_kpi_target, {
	is_by_hand: (frm) => frm.doc.kind === "Absolute" && frm.doc.split === "By Hand",

	// Values are worked out when the target is saved, unless they are written by hand.
	show_columns(frm) {
		const grid = frm.fields_dict.periods.grid;
		const by_hand = this.is_by_hand(frm) && frm.doc.docstatus === 0;
		const is_range = frm.doc.kind === "Absolute" && Boolean(frm.doc.is_range);
		frm.set_df_property("periods", "read_only", by_hand ? 0 : 1);
		grid.update_docfield_property("period_start", "hidden", by_hand ? 0 : 1);
		grid.update_docfield_property("value", "hidden", is_range ? 1 : 0);
		for (const fieldname of ["low", "high"]) {
			grid.update_docfield_property(fieldname, "hidden", is_range ? 0 : 1);
		}
		grid.visible_columns = undefined;
		grid.reset_grid();
	},

	add_buttons(frm) {
		const grid = frm.fields_dict.periods.grid;
		const button = grid.add_custom_button(__("Fill In Periods"), () => this.fill_periods(frm));
		button?.toggle(this.is_by_hand(frm) && frm.doc.docstatus === 0);
		const can_share = ["Team", "Company"].includes(frm.doc.target_for) && frm.doc.docstatus < 2;
		if (!frm.is_new() && !frm.is_dirty() && can_share && frappe.model.can_create("KPI Target")) {
			frm.add_custom_button(__("Share Out Among Members"), () => this.share_out(frm));
		}
	},

	async tell_terms(frm, has_changed) {
		if (!frm.doc.kpi) return;
		const terms = await frappe.xcall("sales_kpi.site.target_form.terms", {
			kpi: frm.doc.kpi,
			company: frm.doc.company || "",
		});
		frm.sales_kpi_terms = terms;
		for (const fieldname of ["value", "low", "high", "goal"]) {
			frm.set_df_property(fieldname, "description", terms.unit || "");
		}
		frm.toggle_display("change_in", frm.doc.kind === "Relative" && Boolean(terms.is_percentage));
		if (has_changed && terms.is_range && frm.doc.docstatus === 0 && !frm.doc.is_range) {
			frm.set_value({ kind: "Absolute", is_range: 1 });
		}
	},

	later(frm) {
		if (frm.doc.docstatus !== 0) return;
		clearTimeout(frm.sales_kpi_timer);
		frm.sales_kpi_timer = setTimeout(() => this.preview(frm), 500);
	},

	is_complete(doc) {
		const scope = { Company: "company", Territory: "territory" }[doc.target_for] || "sales_person";
		const named = ["company", "kpi", "every", "from_date", "to_date", scope].every((name) => doc[name]);
		const said = {
			Relative: doc.change_by,
			Path: doc.goal,
			Absolute: doc.value || doc.low || doc.high || (doc.periods || []).some((row) => row.value || row.low || row.high),
		}[doc.kind];
		return named && (said || doc.docstatus > 0);
	},

	async preview(frm) {
		const asked = (frm.sales_kpi_asked = (frm.sales_kpi_asked || 0) + 1);
		const name = frm.doc.name;
		const told = this.is_complete(frm.doc)
			? await frappe.xcall("sales_kpi.site.target_form.preview", { doc: frm.doc })
			: {};
		// Somebody has gone on typing, or to another document.
		if (asked !== frm.sales_kpi_asked || name !== frm.doc.name) return;
		if (told.periods && frm.doc.docstatus === 0 && frm.is_dirty() && !this.is_by_hand(frm)) {
			frm.clear_table("periods");
			told.periods.forEach((row) => frm.add_child("periods", row));
			frm.refresh_field("periods");
		}
		this.draw_note(frm, told);
		this.draw_evidence(frm, told.evidence);
	},

	async fill_periods(frm) {
		const scope = { Company: "company", Territory: "territory" }[frm.doc.target_for] || "sales_person";
		if (!["company", "kpi", "from_date", "to_date", scope].every((name) => frm.doc[name])) {
			frappe.show_alert(__("Say first what the target is for and from when to when it holds."));
			return;
		}
		const periods = await frappe.xcall("sales_kpi.site.target_form.periods_of", { doc: frm.doc });
		const known = Object.fromEntries((frm.doc.periods || []).map((row) => [row.period_start, row]));
		frm.clear_table("periods");
		for (const period of periods) {
			const { value, low, high } = known[period.period_start] || {};
			frm.add_child("periods", { ...period, value, low, high });
		}
		frm.refresh_field("periods");
		frm.dirty();
	},

	draw_note(frm, told) {
		const wrapper = frm.get_field("unit_note").$wrapper.empty();
		if (told.refused) {
			$(`<div class="form-message orange" style="border-radius: 8px; margin: 0"></div>`)
				.html(told.refused)
				.appendTo(wrapper);
		}
		for (const text of [told.baseline, told.total]) {
			if (text) $(`<p class="text-muted small"></p>`).text(text).appendTo(wrapper);
		}
	},

	draw_evidence(frm, evidence) {
		const wrapper = frm.get_field("evidence").$wrapper.empty();
		frm.toggle_display("evidence_section", Boolean(evidence));
		if (!evidence) return;
		const escape = frappe.utils.escape_html;
		frm.toggle_display("reason", Boolean(frm.doc.reason || evidence.warnings.length));
		$(`<p style="font-weight: 500"></p>`).text(evidence.sentence).appendTo(wrapper);
		for (const text of frm.doc.docstatus < 2 ? evidence.warnings : []) {
			$(`<div class="form-message orange" style="border-radius: 8px; margin: 0 0 12px"></div>`)
				.text(text)
				.appendTo(wrapper);
		}
		for (const text of evidence.outlook) $(`<p class="text-muted small"></p>`).text(text).appendTo(wrapper);
		if (!evidence.rows.length) return;
		const rows = evidence.rows.map((row) => {
			const mark = row.reached === null ? "" : row.reached ? `✓ ${__("reached")}` : __("not reached");
			const note = row.final ? mark : __("so far");
			const color = row.reached ? "var(--green-600)" : "var(--text-muted)";
			return `<tr${row.final ? "" : ' class="text-muted"'}>
				<td style="white-space: nowrap">${escape(row.label)}</td>
				<td style="width: 40%; vertical-align: middle">
					<div style="height: 8px; border-radius: 2px; width: ${Math.round(row.share * 100)}%;
						background: ${row.reached ? "var(--green-500)" : "var(--gray-400)"}"></div>
				</td>
				<td style="white-space: nowrap; text-align: end"><bdi>${escape(row.text)}</bdi></td>
				<td style="white-space: nowrap; color: ${color}">${escape(note)}</td>
			</tr>`;
		});
		wrapper.append(`<div style="max-width: 640px; overflow-x: auto">
			<table class="table table-sm small" style="margin-bottom: 12px"><tbody>${rows.join("")}</tbody></table>
		</div>`);
	},

	draw_parts(frm) {
		const wrapper = frm.get_field("parts").$wrapper.empty();
		const { parts = [], parts_sum } = frm.doc.__onload || {};
		// Only a draft can still become a part of another target.
		const may_be_part = frm.doc.docstatus === 0 && ["Team", "Salesperson"].includes(frm.doc.target_for);
		frm.toggle_display("cascade_section", Boolean(frm.doc.parent_target || parts.length || may_be_part));
		if (!parts.length) return;
		const escape = frappe.utils.escape_html;
		const rows = parts.map(
			(part) => `<tr>
				<td><a href="${frappe.utils.get_form_link("KPI Target", part.name)}">${escape(part.scope || part.name)}</a></td>
				<td style="text-align: end"><bdi>${escape(part.total)}</bdi></td>
				<td class="text-muted">${part.docstatus ? __("Submitted") : __("Draft")}</td>
			</tr>`
		);
		if (parts_sum) {
			$(`<p></p>`)
				.css("color", parts_sum.differs ? "var(--orange-600)" : "var(--green-600)")
				.text(`${parts_sum.differs ? "≠" : "✓"} ${parts_sum.text}`)
				.appendTo(wrapper);
		}
		wrapper.append(
			`<table class="table table-sm small" style="max-width: 640px"><tbody>${rows.join("")}</tbody></table>`
		);
	},

	share_out(frm) {
		const dialog = new frappe.ui.Dialog({
			title: __("Share Out Among Members"),
			fields: [
				{
					fieldname: "way",
					fieldtype: "Select",
					label: __("How"),
					options: [
						{ value: "equal", label: __("Equally") },
						{ value: "last year", label: __("By the values of a year before") },
					],
					default: "equal",
					reqd: 1,
					description: __("Makes a draft for each member right below. Nothing is submitted yet."),
				},
			],
			primary_action_label: __("Create Drafts"),
			async primary_action({ way }) {
				const made = await frappe.xcall("sales_kpi.site.target_cascade.share_out", { target: frm.doc.name, way });
				dialog.hide();
				frappe.show_alert({ message: __("{0} drafts were created.", [made.length]), indicator: "green" });
				frm.reload_doc();
			},
		});
		dialog.show();
	},
});
