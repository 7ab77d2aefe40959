frappe.ui.form.on("KPI Digest", {
	setup(frm) {
		frm.set_query("user", "recipients", () => ({ filters: { enabled: 1, user_type: "System User" } }));
	},

	refresh(frm) {
		if (frm.is_new()) return;
		frm.add_custom_button(__("Preview"), () => kpi_digest.preview(frm));
		frm.add_custom_button(__("Send Me One Now"), () => kpi_digest.send_me(frm));
		if (frappe.model.can_read("KPI Digest Log")) {
			frm.add_custom_button(__("Log"), () =>
				frappe.set_route("List", "KPI Digest Log", { digest: frm.doc.name })
			);
		}
	},
});

frappe.provide("kpi_digest");

Object.assign(kpi_digest, {
	is_saved(frm) {
		if (frm.is_dirty()) frappe.msgprint(__("Save the digest first: it is made of what is saved."));
		return !frm.is_dirty();
	},

	async preview(frm) {
		if (!this.is_saved(frm)) return;
		const { message: mail } = await frappe.call({
			method: "sales_kpi.site.digest.preview",
			args: { digest: frm.doc.name },
			freeze: true,
			freeze_message: __("Making your digest…"),
		});
		const dialog = new frappe.ui.Dialog({ title: __("Your Digest Today"), size: "large" });
		const frame = document.createElement("iframe");
		frame.title = mail.subject;
		// Nothing in a mail may run.
		frame.setAttribute("sandbox", "allow-popups");
		frame.style.cssText = "width: 100%; height: 70vh; border: 0; background: #fff";
		frame.srcdoc = mail.html;
		const subject = document.createElement("p");
		subject.className = "text-muted";
		subject.textContent = __("Subject: {0}", [mail.subject]);
		dialog.$body.append(subject, frame);
		dialog.show();
	},

	async send_me(frm) {
		if (!this.is_saved(frm)) return;
		const { message: address } = await frappe.call({
			method: "sales_kpi.site.digest.send_me",
			args: { digest: frm.doc.name },
			freeze: true,
			freeze_message: __("Making your digest…"),
		});
		frappe.show_alert({
			message: __("It is on its way to {0}.", [frappe.utils.escape_html(address)]),
			indicator: "green",
		});
	},
});
