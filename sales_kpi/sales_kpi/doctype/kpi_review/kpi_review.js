frappe.ui.form.on("KPI Review", {
	setup(frm) {
		frm.set_query("sales_person", () => ({
			filters: frm.doc.review_for === "Team" ? { is_group: 1, enabled: 1 } : { enabled: 1 },
		}));
		const users = () => ({ filters: { enabled: 1, user_type: "System User" } });
		frm.set_query("leader", users);
		frm.set_query("user", "participants", users);
		frm.set_query("allocated_to", "actions", users);
		frm.set_query("kpi", "actions", () => ({ filters: { enabled: 1 } }));
	},

	onload(frm) {
		if (frm.is_new() && !frm.doc.period_start) {
			// Usually it is about the month that is over.
			const month = frappe.datetime.add_months(frappe.datetime.get_today(), -1);
			frm.set_value("period_start", `${month.slice(0, 7)}-01`);
		}
	},

	refresh(frm) {
		kpi_review.explain(frm);
		kpi_review.show_agenda(frm);
		if (frm.is_new()) return;
		if (frm.doc.docstatus === 0 && frm.perm[0]?.write) {
			frm.add_custom_button(__("Refresh Agenda"), () => kpi_review.refresh_agenda(frm));
		}
		if (frm.doc.docstatus === 1 && frappe.model.can_create("KPI Review")) {
			frm.add_custom_button(__("Plan Next Review"), () => kpi_review.plan_next(frm));
		}
		if (frm.doc.event) {
			frm.add_custom_button(__("Calendar"), () => frappe.set_route("Form", "Event", frm.doc.event));
		}
	},

	review_for(frm) {
		frm.set_value("sales_person", null);
	},
});

frappe.ui.form.on("KPI Review Item", {
	agenda_add(frm, doctype, name) {
		frappe.model.set_value(doctype, name, "kind", "Topic");
	},
});

frappe.provide("kpi_review");

Object.assign(kpi_review, {
	explain(frm) {
		if (frm.is_new()) {
			frm.set_intro(__("Save it: the agenda is filled in with what the records say."), "blue");
		} else if (frm.doc.docstatus === 0 && !frm.doc.meeting_on) {
			frm.set_intro(__("Say when you meet: it is put into the calendar of everybody who takes part."), "blue");
		} else if (frm.doc.docstatus === 0) {
			frm.set_intro(__("After the meeting, submit it: each action becomes a ToDo."), "blue");
		}
	},

	// The agenda as it is read; the table below holds what can be written.
	show_agenda(frm) {
		const escape = (text) => frappe.utils.escape_html(text || "");
		const color = { Better: "green", Worse: "red", Unchanged: "gray", "Not Known": "gray" };
		const rows = (frm.doc.agenda || []).map((row) => {
			const then = row.value_then_text && `${row.value_then_text} → `;
			const target = row.target_text && __("{0} of {1}", [row.value_text, row.target_text]);
			const figures = target || `${then || ""}${row.value_text || ""}`;
			const told = (row.told || "").split("\n").filter(Boolean);
			const notes = (row.notes || "").split("\n").filter(Boolean);
			const moved = row.moved
				? `<span class="indicator-pill no-indicator-dot ${color[row.moved] || "gray"}">${escape(__(row.moved))}</span>`
				: "";
			return `<div style="margin-bottom: var(--margin-md)">
				<div class="text-muted small">${escape(__(row.kind))} ${moved}</div>
				<div><b><bdi>${escape(row.topic)}</bdi></b>${figures ? ` · <bdi>${escape(figures)}</bdi>` : ""}</div>
				${told.map((line) => `<div><bdi>${escape(line)}</bdi></div>`).join("")}
				${notes.map((line) => `<div dir="auto" style="background: var(--bg-light-gray, var(--control-bg)); padding: 2px 8px">${escape(line)}</div>`).join("")}
			</div>`;
		});
		const nothing = frm.is_new() ? "" : escape(__("Nothing was recorded or agreed in the period."));
		frm.get_field("agenda_view").$wrapper.html(rows.join("") || `<p class="text-muted">${nothing}</p>`);
	},

	async refresh_agenda(frm) {
		if (frm.is_dirty()) await frm.save();
		await frappe.call({
			method: "sales_kpi.site.reviews.refresh_agenda",
			args: { review: frm.doc.name },
			freeze: true,
			freeze_message: __("Filling in the agenda…"),
		});
		await frm.reload_doc();
		frappe.show_alert({ message: __("The agenda holds the figures of now. Notes were kept."), indicator: "green" });
	},

	plan_next(frm) {
		const { company, review_for, sales_person, calendar, every, leader, send_minutes, duration } = frm.doc;
		const period_start = frappe.datetime.add_days(frm.doc.period_end, 1);
		frappe.new_doc(
			"KPI Review",
			{ company, review_for, calendar, every, leader, send_minutes, duration, period_start },
			(doc) => {
				doc.sales_person = sales_person;
				doc.period_start = period_start;
				for (const { user, full_name } of frm.doc.participants) {
					Object.assign(frappe.model.add_child(doc, "participants"), { user, full_name });
				}
			}
		);
	},
});
